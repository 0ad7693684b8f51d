//! Makes a failing list short: parts of it are left out, halves first, as long as it fails.

/// The shortest list found that still fails. `fails` may be asked a few hundred times.
pub(super) fn shrink<T: Clone>(list: &[T], fails: impl Fn(&[T]) -> bool) -> Vec<T> {
    let mut list = list.to_vec();
    let mut part = list.len().div_ceil(2);
    while part > 0 {
        let mut from = 0;
        while from < list.len() {
            let to = list.len().min(from + part);
            let without: Vec<T> = [&list[..from], &list[to..]].concat();
            if fails(&without) {
                list = without;
            } else {
                from = to;
            }
        }
        part /= 2;
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_makes_it_fail_is_left() {
        let list: Vec<u32> = (0..100).collect();
        let fails = |list: &[u32]| list.contains(&17) && list.contains(&93);
        assert_eq!(shrink(&list, fails), [17, 93]);
    }
}
