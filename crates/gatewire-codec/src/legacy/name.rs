//! Names that hurt a Node peer.

/// Whether each JavaScript object has this by itself, such as `constructor`. The Node packages keep rooms, sockets and hosts in
/// plain objects, and one of these names as a key ends their process: it is not to be sent to them as any of the three.
#[must_use]
pub fn is_prototype_name(name: &str) -> bool {
    PROTOTYPE.contains(&name)
}

/// The own properties of `Object.prototype`.
const PROTOTYPE: [&str; 12] = [
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "toString",
    "valueOf",
];
