//! The order of instances: whoever waits for something to be true comes after it; else as in the user's file.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::value::Address;

/// A ring of instances that wait for each other, each for the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring(pub Vec<Address>);

/// Sorts so that every edge (before, after) points forward; among those that are free, the earlier in `addresses` comes
/// first. Takes time in proportion to instances and edges, times the logarithm of the instances.
pub fn order(addresses: &[Address], edges: &BTreeSet<(Address, Address)>) -> Result<Vec<Address>, Ring> {
    let place: HashMap<&Address, usize> =
        addresses.iter().enumerate().map(|(index, address)| (address, index)).collect();
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); addresses.len()];
    let mut waits_for: Vec<usize> = vec![0; addresses.len()];
    for (before, after) in edges {
        if let (Some(&before), Some(&after)) = (place.get(before), place.get(after)) {
            followers[before].push(after);
            waits_for[after] += 1;
        }
    }
    let mut free: BTreeSet<usize> = (0..addresses.len()).filter(|&index| waits_for[index] == 0).collect();
    let mut ordered = Vec::with_capacity(addresses.len());
    while let Some(index) = free.pop_first() {
        ordered.push(addresses[index].clone());
        for &follower in &followers[index] {
            waits_for[follower] -= 1;
            if waits_for[follower] == 0 {
                free.insert(follower);
            }
        }
    }
    if ordered.len() == addresses.len() { Ok(ordered) } else { Err(ring(addresses, &followers, &waits_for)) }
}

/// Follows instances that still wait until one comes again.
fn ring(addresses: &[Address], followers: &[Vec<usize>], waits_for: &[usize]) -> Ring {
    let stuck = |index: &usize| waits_for[*index] > 0;
    let mut before: BTreeMap<usize, usize> = BTreeMap::new();
    for index in (0..addresses.len()).filter(stuck) {
        for &follower in followers[index].iter().filter(|follower| stuck(follower)) {
            before.insert(follower, index);
        }
    }
    let mut seen = Vec::new();
    let mut current = before.keys().next().copied();
    while let Some(index) = current {
        if let Some(start) = seen.iter().position(|&earlier| earlier == index) {
            return Ring(seen[start..].iter().rev().map(|&index: &usize| addresses[index].clone()).collect());
        }
        seen.push(index);
        current = before.get(&index).copied();
    }
    Ring(Vec::new())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(index: usize) -> Address {
        Address::new("kind", format!("n{index}"))
    }

    #[test]
    fn without_edges_the_file_decides() {
        let addresses = [address(2), address(0), address(1)];
        assert_eq!(order(&addresses, &BTreeSet::new()).unwrap(), addresses);
    }

    #[test]
    fn a_ring_is_shown_whole() {
        let addresses: Vec<Address> = (0..4).map(address).collect();
        let edges = BTreeSet::from([(address(1), address(2)), (address(2), address(3)), (address(3), address(1))]);
        let Ring(ring) = order(&addresses, &edges).unwrap_err();
        assert_eq!(ring.len(), 3);
        for (index, member) in ring.iter().enumerate() {
            assert!(edges.contains(&(member.clone(), ring[(index + 1) % ring.len()].clone())), "{ring:?}");
        }
    }

    proptest! {
        #[test]
        fn every_edge_points_forward(pairs in proptest::collection::vec((0usize..12, 0usize..12), 0..30)) {
            let addresses: Vec<Address> = (0..12).map(address).collect();
            // Edges from smaller to larger can't make a ring.
            let edges: BTreeSet<_> = pairs.iter().filter(|(a, b)| a != b)
                .map(|&(a, b)| (address(a.min(b)), address(a.max(b)))).collect();
            let mut shuffled = addresses.clone();
            shuffled.reverse();
            let ordered = order(&shuffled, &edges).unwrap();
            let place = |wanted: &Address| ordered.iter().position(|one| one == wanted).unwrap();
            for (before, after) in &edges {
                prop_assert!(place(before) < place(after));
            }
        }
    }
}
