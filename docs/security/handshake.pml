/*
 * The handshake of wire version 3, as a model for Spin. `cargo xtask model` runs it; handshake.md
 * says what follows from it and what does not.
 *
 * Honest sessions: two diallers and two listeners. The first dialler runs on node A, both listeners
 * on node B, the second dialler on A or on B (a node that dials and listens, as routers do). They
 * share one key. The listeners also know a second key, whose holder is the attacker: an insider.
 *
 * The attacker is the network. All that is sent goes to it, all that is received comes from it: it
 * keeps back, replays, reflects, relays and composes. So there is no process for it: where a session
 * receives a frame, each field is *any* value that the attacker has at that moment. A value of its own
 * making is X: any value that no honest session has sent in that place.
 *
 * Cryptography is opaque. A hash is the list of what it covers. A MAC can be made by who knows its key,
 * and otherwise only be repeated by who has seen exactly it. A session compares a MAC with one
 * value, so "the right MAC comes" is "the attacker can make or repeat that value".
 * A frame that is refused ends its session and teaches nothing; it is left out.
 *
 * Mutants: -DNO_.. takes one defence away, -DLEAKED_KEY gives the attacker the shared key,
 * -DCLAIM_PLAIN claims of plain channels what only bound ones keep. In each of them Spin must find the
 * attack. NO_LABEL and NO_CHAIN stand in for each other: only without both there is one.
 */

/* ---- what is claimed: all of it, or -DPROPERTY=one of these ---- */

#define AGREEMENT  1    /* the other side ran with the same HELLO, CHALLENGE and session id */
#define INJECTIVE  2    /* and so with nobody else */
#define NO_RELAY   3    /* a bound channel ends at the other side, not at the attacker */
#define NO_SELFIE  4    /* the other side is another node */
#define BEST_OFFER 5    /* both sides speak the best version and suite that both know */
#define NO_END     6    /* no handshake ends well: false, which shows that the others are not empty */

#ifdef PROPERTY
#define CLAIM(which, holds) assert(which != PROPERTY || (holds))
#else
#define CLAIM(which, holds) assert(which == NO_END || (holds))
#endif

/* ---- what is taken away ---- */

#ifdef NO_DIALLER_NONCE
#define DIALLER_NONCE 0
#else
#define DIALLER_NONCE 1
#endif
#ifdef NO_LISTENER_NONCE
#define LISTENER_NONCE 0
#else
#define LISTENER_NONCE 1
#endif
#ifdef NO_INSTANCE
#define INSTANCE 0
#else
#define INSTANCE 1
#endif
#ifdef NO_ROLE
#define ROLE 0
#else
#define ROLE 1
#endif
#ifdef NO_OFFER
#define OFFER 0
#else
#define OFFER 1
#endif
#ifdef NO_BINDING
#define BINDING 0
#else
#define BINDING 1
#endif
#ifdef NO_SESSION_ID
#define SESSION_ID 0
#else
#define SESSION_ID 1
#endif
#ifdef NO_LABEL
#define SERVER_LABEL 1  /* "client" on both sides */
#else
#define SERVER_LABEL 2
#endif
#ifdef NO_CHAIN
#define TH2_LEVEL 0     /* mac_s over TH1 instead of TH2, the hash of TH1 and PROOF */
#else
#define TH2_LEVEL 1
#endif
#ifdef NO_SELF_CHECK
#define IS_OTHER(s, instance) true
#else
#define IS_OTHER(s, instance) (instance != node[s])
#endif
#ifdef NO_OFFER_CHECK
#define WAS_OFFERED(choice) true
#else
#define WAS_OFFERED(choice) (choice != ANONYMOUS)
#endif
#ifdef LEAKED_KEY
#define LEAKED true
#else
#define LEAKED false
#endif
#ifdef CLAIM_PLAIN
#define IS_BOUND(s) true
#else
#define IS_BOUND(s) tls[s]
#endif

/* ---- values ---- */

#define X 0             /* the attacker's, of any kind */
#define A 1             /* nodes, by their instance id */
#define B 2
#define CLIENT 0        /* roles; the honest diallers are clients */
#define ROUTER 1
#define SHARED 0        /* keys, by their id: A's and B's */
#define INSIDER 1       /* the attacker's own */
#define ANONYMOUS 0     /* version and suite, as one: without a key. A dialler with a key does not offer it */
#define OLD 1           /* the only one left when the better one is struck from the offer */
#define NEW 2           /* what both sides know and prefer */

/* Sessions: 0 and 1 dial, 2 and 3 listen. */
#define NONCE(s) ((s) % 2 + 1)          /* the nonce that session s draws; of a listener also its session id */
#define DIALLER_OF(nonce) ((nonce) - 1)
#define LISTENER_OF(nonce) ((nonce) + 1)

#define WAITING 0
#define OPEN 1          /* a dialler has sent PROOF, a listener CHALLENGE */
#define ACCEPTED 2

typedef View {          /* HELLO, CHALLENGE and the session id as one session has sent or seen them */
    byte d_instance, d_nonce, role, key, offer;
    byte l_instance, l_nonce, choice;
    byte session_id
}

View view[4];
byte state[4];
byte node[4];
byte wire[4];           /* on which connection: the diallers' are 1 and 2, from the attacker to the listeners 3 and 4 */
bool tls[4];
int mac[4];             /* all MACs that have been sent: each session sends one */

/* ---- terms: one number for all that a MAC covers ---- */

#define EXPORTER(s) (tls[s] * wire[s])  /* unique per TLS connection; plain has none */

#define TH1(s) \
    ((EXPORTER(s) * BINDING) \
    | (view[s].d_instance * INSTANCE << 3) | (view[s].d_nonce * DIALLER_NONCE << 5) \
    | (view[s].role * ROLE << 7) | (view[s].key << 8) | (view[s].offer * OFFER << 9) \
    | (view[s].l_instance * INSTANCE << 11) | (view[s].l_nonce * LISTENER_NONCE << 13) \
    | (view[s].choice * OFFER << 15))

#define MAC_C(s) (TH1(s) | (1 << 17))
#define MAC_S(s, session_id) \
    (TH1(s) | (SERVER_LABEL << 17) | (TH2_LEVEL << 19) | (session_id * SESSION_ID << 20))

#define SEEN(m) (mac[0] == m || mac[1] == m || mac[2] == m || mac[3] == m)
#define KNOWS_KEY(s) (LEAKED || view[s].key == INSIDER || view[s].choice == ANONYMOUS)
#define ATTACKER_HAS(m, s) (KNOWS_KEY(s) || SEEN(m))

/* ---- what must hold when a session accepts ---- */

#define SAME(s, t) \
    (  view[s].d_instance == view[t].d_instance && view[s].d_nonce == view[t].d_nonce \
    && view[s].role == view[t].role && view[s].key == view[t].key && view[s].offer == view[t].offer \
    && view[s].l_instance == view[t].l_instance && view[s].l_nonce == view[t].l_nonce \
    && view[s].choice == view[t].choice \
    && (s >= 2 || view[s].session_id == view[t].session_id))  /* nobody but a dialler is told it */

#define OTHER(s) (s ^ 1)        /* the other session of the same side */
#define SAME_PEER(s) \
    (s < 2 -> view[s].l_nonce == view[OTHER(s)].l_nonce : view[s].d_nonce == view[OTHER(s)].d_nonce)

/* Session s has accepted. `nonce` is the other side's as s has seen it, and names the session `peer`. */
inline check(s, nonce, peer, reached) {
    if
    :: nonce == X -> CLAIM(AGREEMENT, false)    /* nobody has drawn this nonce */
    :: else ->
        CLAIM(AGREEMENT, state[peer] >= reached && SAME(s, peer));
        CLAIM(INJECTIVE, state[OTHER(s)] != ACCEPTED || view[OTHER(s)].key != SHARED || !SAME_PEER(s));
        CLAIM(NO_RELAY, !IS_BOUND(s) || wire[s] == wire[peer]);
        CLAIM(NO_SELFIE, node[s] != node[peer])
    fi;
    CLAIM(BEST_OFFER, view[s].choice == NEW)
}

/* ---- the honest sides: at each `if` the attacker chooses ---- */

/* HELLO is sent in `init`: later would only give the attacker less. */
proctype Dialler(byte me) {
    atomic {                                                    /* CHALLENGE comes, PROOF goes */
        if
        :: IS_OTHER(me, B) -> view[me].l_instance = B
        :: IS_OTHER(me, A) -> view[me].l_instance = A
        :: IS_OTHER(me, X) -> view[me].l_instance = X
        fi;
        if
        :: state[2] != WAITING -> view[me].l_nonce = NONCE(2)   /* once it has been sent */
        :: state[3] != WAITING -> view[me].l_nonce = NONCE(3)
        :: view[me].l_nonce = X
        fi;
        if
        :: view[me].choice = NEW
        :: view[me].choice = OLD
        :: WAS_OFFERED(ANONYMOUS) -> view[me].choice = ANONYMOUS
        fi;
        mac[me] = MAC_C(me);
        state[me] = OPEN;
        printf("dialler %d (node %d, wire %d, tls %d): CHALLENGE instance %d, nonce %d, choice %d -> PROOF\n",
            me, node[me], wire[me], tls[me], view[me].l_instance, view[me].l_nonce, view[me].choice)
    }
    atomic {                                                    /* ACCEPT comes */
        if
        :: ATTACKER_HAS(MAC_S(me, NONCE(2)), me) -> view[me].session_id = NONCE(2)
        :: ATTACKER_HAS(MAC_S(me, NONCE(3)), me) -> view[me].session_id = NONCE(3)
        :: ATTACKER_HAS(MAC_S(me, X), me) -> view[me].session_id = X
        fi;
        state[me] = ACCEPTED;
        printf("dialler %d: ACCEPT session id %d -> accepts\n", me, view[me].session_id);
        check(me, view[me].l_nonce, LISTENER_OF(view[me].l_nonce), ACCEPTED);
        CLAIM(NO_END, false)
    }
}

proctype Listener(byte me) {
    atomic {                                                    /* HELLO comes, CHALLENGE goes */
        me == 2 || state[2] != WAITING;         /* they are alike: 2 is the one that is dialled first */
        if      /* on a connection that a dialler dialled, or on one that the attacker dials */
        :: wire[OTHER(me)] != wire[0] -> wire[me] = wire[0]; tls[me] = tls[0]
        :: wire[OTHER(me)] != wire[1] -> wire[me] = wire[1]; tls[me] = tls[1]
        :: wire[me] = me + 1; tls[me] = true
        :: wire[me] = me + 1; tls[me] = false
        :: view[me].key = INSIDER; goto chosen  /* under its own key it can say all: one stands for all */
        fi;
        if
        :: IS_OTHER(me, A) -> view[me].d_instance = A
        :: IS_OTHER(me, B) -> view[me].d_instance = B
        :: IS_OTHER(me, X) -> view[me].d_instance = X
        fi;
        if :: view[me].d_nonce = NONCE(0) :: view[me].d_nonce = NONCE(1) :: view[me].d_nonce = X fi;
        if :: view[me].role = CLIENT :: view[me].role = ROUTER fi;
        if :: view[me].offer = NEW :: view[me].offer = OLD fi;
    chosen:
        view[me].l_instance = node[me];
        view[me].l_nonce = NONCE(me);
        view[me].choice = view[me].offer;       /* the best of the offer */
        state[me] = OPEN;
        printf("listener %d (node %d, wire %d, tls %d): HELLO instance %d, nonce %d, role %d, key %d, offer %d -> CHALLENGE\n",
            me, node[me], wire[me], tls[me], view[me].d_instance, view[me].d_nonce, view[me].role,
            view[me].key, view[me].offer)
    }
    atomic {                                                    /* PROOF comes, ACCEPT goes */
        ATTACKER_HAS(MAC_C(me), me);
        view[me].session_id = NONCE(me);
        mac[me] = MAC_S(me, NONCE(me));
        state[me] = ACCEPTED;
        printf("listener %d: PROOF -> accepts, ACCEPT session id %d\n", me, view[me].session_id);
        if      /* the insider may say what it likes, under its own key */
        :: view[me].key == SHARED -> check(me, view[me].d_nonce, DIALLER_OF(view[me].d_nonce), OPEN)
        :: else
        fi
    }
}

init {
    byte me;
    atomic {
        node[0] = A; node[2] = B; node[3] = B;
        if :: node[1] = B :: node[1] = A fi;
        for (me : 0 .. 1) {                                     /* HELLO goes */
            if :: tls[me] = true :: tls[me] = false fi;
            wire[me] = me + 1;
            view[me].d_instance = node[me];
            view[me].d_nonce = NONCE(me);
            view[me].role = CLIENT;
            view[me].key = SHARED;
            view[me].offer = NEW
        }
        run Dialler(0); run Dialler(1); run Listener(2); run Listener(3)
    }
}
