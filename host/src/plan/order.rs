//! The order of instances: whoever waits for something to be true comes after it; those that settle in the same way come
//! together where they can, so that it is done once; else as in the user's file.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::value::Address;

/// A ring of instances that wait for each other, each for the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring(pub Vec<Address>);

/// Sorts so that every edge (before, after) points forward; among those that are free, the earlier in `addresses` comes
/// first. Takes time in proportion to instances and edges, times the logarithm of the instances.
pub fn order(addresses: &[Address], edges: &BTreeSet<(Address, Address)>) -> Result<Vec<Address>, Ring> {
    order_together(addresses, edges, &HashMap::new())
}

/// The same, but after one of a group the next of that group that is free comes first.
pub fn order_together(
    addresses: &[Address],
    edges: &BTreeSet<(Address, Address)>,
    groups: &HashMap<&Address, usize>,
) -> Result<Vec<Address>, Ring> {
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
    let mut free = Free { all: BTreeSet::new(), by_group: HashMap::new() };
    let group = |index: usize| groups.get(&addresses[index]).copied();
    (0..addresses.len()).filter(|&index| waits_for[index] == 0).for_each(|index| free.insert(index, group(index)));
    let (mut ordered, mut last) = (Vec::with_capacity(addresses.len()), None);
    while let Some(index) = free.take(last) {
        ordered.push(addresses[index].clone());
        last = group(index);
        for &follower in &followers[index] {
            waits_for[follower] -= 1;
            if waits_for[follower] == 0 {
                free.insert(follower, group(follower));
            }
        }
        free.remove(index, last);
    }
    if ordered.len() == addresses.len() { Ok(ordered) } else { Err(ring(addresses, &followers, &waits_for)) }
}

/// Instances that wait for nobody any longer.
struct Free {
    all: BTreeSet<usize>,
    by_group: HashMap<usize, BTreeSet<usize>>,
}

impl Free {
    fn insert(&mut self, index: usize, group: Option<usize>) {
        self.all.insert(index);
        if let Some(group) = group {
            self.by_group.entry(group).or_default().insert(index);
        }
    }

    /// The first of that group, else the first of all; it stays until it is removed.
    fn take(&self, group: Option<usize>) -> Option<usize> {
        let of_group = group.and_then(|group| self.by_group.get(&group)?.first());
        of_group.or(self.all.first()).copied()
    }

    fn remove(&mut self, index: usize, group: Option<usize>) {
        self.all.remove(&index);
        if let Some(of_group) = group.and_then(|group| self.by_group.get_mut(&group)) {
            of_group.remove(&index);
        }
    }
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
    fn a_group_comes_together_as_far_as_its_members_are_free() {
        let addresses: Vec<Address> = (0..5).map(address).collect();
        let groups = HashMap::from([(&addresses[1], 0), (&addresses[3], 0), (&addresses[4], 0)]);
        // 2 waits for 1, 4 for 2.
        let edges = BTreeSet::from([(address(1), address(2)), (address(2), address(4))]);
        let ordered = order_together(&addresses, &edges, &groups).unwrap();
        assert_eq!(ordered, [0, 1, 3, 2, 4].map(address));
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
