use super::*;

#[test]
fn the_own_name_comes_first_and_each_name_once() {
    let seen = Seen::new("me", hosts("a|b|me|a"), |_| true);
    assert_eq!(seen.field(), "me|a|b");
    assert!(["me", "a", "b"].iter().all(|host| seen.contains(host)));
    assert!(!seen.contains("c"));
}

#[test]
fn when_names_do_not_fit_those_of_neighbours_stay() {
    let far: Vec<String> = (0..20).map(|at| format!("far-away-{at:04}")).collect();
    let names = far.iter().map(String::as_str).chain(["near-1", "near-2"]);
    let seen = Seen::new("me", names, |host| host.starts_with("near"));
    assert!(seen.field().len() <= MAX_CELLS);
    let kept: Vec<&str> = seen.field().split('|').collect();
    assert_eq!(kept[..4], ["me", "near-1", "near-2", "far-away-0000"]);
    assert!(kept.len() < 23);
    assert!(seen.contains("far-away-0019"), "it is not sent to whom it came from, for all that");
}

#[test]
fn names_that_no_host_has_are_no_hosts() {
    assert_eq!(hosts("a||__proto__|b/c|d").collect::<Vec<_>>(), ["a", "d"]);
    assert_eq!(hosts("").count(), 0);
}

#[test]
fn a_list_is_split_where_the_next_name_does_not_fit() {
    let long = "x".repeat(126);
    let names = ["a", &long, &long, &long];
    let lists = lists(names);
    assert_eq!(lists, [format!("a|{long}|{long}"), long.clone()]);
    assert_eq!(lists[0].len(), MAX_CELLS);
}
