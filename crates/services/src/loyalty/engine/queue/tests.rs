//! Who is next, without any database.

use super::*;

const LIMITS: Limits = Limits {
    group: 16,
    bulk: 10,
};

/// A queue whose items say their flow and their number within it.
fn queue() -> FairQueue<u32, (u32, u32)> {
    FairQueue::new()
}

fn fill(queue: &mut FairQueue<u32, (u32, u32)>, lane: Lane, flow: u32, count: u32) {
    for number in 0..count {
        queue.push(lane, flow, (flow, number));
    }
}

#[test]
fn nothing_gives_an_empty_group() {
    let taken = queue().take(LIMITS);
    assert_eq!((taken.items.len(), taken.tills, taken.bulk), (0, 0, 0));
}

#[test]
fn a_group_takes_whatever_waits_in_order_of_arrival() {
    let mut queue = queue();
    queue.push(Lane::Till, 2, (2, 0));
    queue.push(Lane::Bulk, 3, (3, 0));
    queue.push(Lane::Till, 1, (1, 0));
    queue.push(Lane::Till, 2, (2, 1));
    let taken = queue.take(LIMITS);
    assert_eq!(taken.items, [(2, 0), (3, 0), (1, 0), (2, 1)]);
    assert_eq!((taken.tills, taken.bulk), (3, 1));
    assert_eq!(queue.len(), 0);
}

#[test]
fn flows_take_turns_when_more_waits_than_fits() {
    let mut queue = queue();
    fill(&mut queue, Lane::Till, 1, 1_000);
    fill(&mut queue, Lane::Till, 2, 3);
    let taken = queue.take(LIMITS);
    assert_eq!(taken.items.len(), 16);
    let of_two = taken.items.iter().filter(|(flow, _)| *flow == 2).count();
    assert_eq!(of_two, 3, "the small one does not wait for the large one");
    // In order of arrival, and no flow skips one of its own.
    let of_one: Vec<u32> = (0..13).collect();
    let seen: Vec<u32> = taken
        .items
        .iter()
        .filter(|(flow, _)| *flow == 1)
        .map(|(_, number)| *number)
        .collect();
    assert_eq!(seen, of_one);
    assert_eq!(taken.items.last(), Some(&(2, 2)));
}

#[test]
fn an_order_behind_a_hot_flow_waits_one_group_at_most() {
    let mut queue = queue();
    fill(&mut queue, Lane::Till, 1, 1_000);
    queue.take(LIMITS);
    queue.push(Lane::Till, 2, (2, 0));
    assert!(queue.take(LIMITS).items.contains(&(2, 0)));
}

#[test]
fn with_more_flows_than_places_each_has_its_turn() {
    let mut queue = queue();
    for flow in 0..40 {
        fill(&mut queue, Lane::Till, flow, 5);
    }
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.extend(queue.take(LIMITS).items.into_iter().map(|(flow, _)| flow));
    }
    assert_eq!(seen.len(), 48);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, (0..40).collect::<Vec<_>>());
}

#[test]
fn tills_go_first_and_bulk_moves_all_the_same() {
    let mut queue = queue();
    fill(&mut queue, Lane::Bulk, 9, 100);
    fill(&mut queue, Lane::Till, 1, 100);
    let taken = queue.take(LIMITS);
    assert_eq!((taken.tills, taken.bulk), (14, 2));
    // Few tills: bulk has the rest, up to its own bound.
    let mut queue = self::queue();
    fill(&mut queue, Lane::Bulk, 9, 100);
    fill(&mut queue, Lane::Till, 1, 3);
    let taken = queue.take(LIMITS);
    assert_eq!((taken.tills, taken.bulk), (3, 10));
    let taken = queue.take(LIMITS);
    assert_eq!((taken.tills, taken.bulk), (0, 10));
    // No bulk: tills have the whole group.
    let mut queue = self::queue();
    fill(&mut queue, Lane::Till, 1, 100);
    assert_eq!(queue.take(LIMITS).tills, 16);
}

#[test]
fn the_smallest_group_serves_both_lanes() {
    let limits = Limits::new(0, 0);
    let mut queue = queue();
    fill(&mut queue, Lane::Bulk, 9, 10);
    fill(&mut queue, Lane::Till, 1, 10);
    for _ in 0..10 {
        let taken = queue.take(limits);
        assert_eq!((taken.tills, taken.bulk), (1, 1));
    }
    assert_eq!(queue.len(), 0);
}

#[test]
fn nobody_takes_the_whole_queue_while_others_wait() {
    let mut queue = queue();
    fill(&mut queue, Lane::Till, 1, 99);
    assert!(queue.has_room(1, 100), "alone, one may fill it");
    queue.push(Lane::Till, 1, (1, 99));
    assert!(!queue.has_room(1, 100));
    assert!(!queue.has_room(2, 100), "full is full");
    queue.take(LIMITS);
    assert!(queue.has_room(2, 100));
    queue.push(Lane::Till, 2, (2, 0));
    assert!(!queue.has_room(1, 100), "84 of 100 are more than a half");
    assert!(queue.has_room(2, 100));
    // Below half, everyone may come.
    for _ in 0..3 {
        queue.take(LIMITS);
    }
    fill(&mut queue, Lane::Till, 2, 1);
    assert!(queue.has_room(1, 100));
    // Bulk orders take no room of tills.
    fill(&mut queue, Lane::Bulk, 1, 500);
    assert!(queue.has_room(2, 100));
}

#[test]
fn what_comes_in_goes_out_once_and_each_flow_keeps_its_order() {
    // A walk without randomness through all mixes of lanes, flows and limits.
    let mut step = 17_u32;
    let mut next = move |below: u32| {
        step = step.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (step >> 16) % below
    };
    for _ in 0..200 {
        let mut queue = FairQueue::new();
        let (mut pushed, mut taken) = (Vec::new(), Vec::new());
        let mut numbers = HashMap::<(Lane, u32), u32>::new();
        for _ in 0..60 {
            for _ in 0..next(12) {
                let lane = [Lane::Till, Lane::Bulk][usize::from(next(3) == 0)];
                let flow = next(5);
                let number = numbers.entry((lane, flow)).or_default();
                queue.push(lane, flow, (lane, flow, *number));
                pushed.push((lane, flow, *number));
                *number += 1;
            }
            let group = usize::try_from(next(20)).unwrap();
            let limits = Limits::new(group, group / 2);
            let before = queue.len();
            let group = queue.take(limits);
            assert!(group.items.len() <= limits.group && group.bulk <= limits.bulk);
            assert_eq!(group.tills + group.bulk, group.items.len());
            assert_eq!(before - group.items.len(), queue.len());
            assert_eq!(group.items.is_empty(), before == 0);
            taken.extend(group.items);
        }
        while queue.len() > 0 {
            taken.extend(queue.take(LIMITS).items);
        }
        assert_eq!(taken.len(), pushed.len());
        for (lane, flow) in numbers.keys() {
            let own = taken.iter().filter(|(l, f, _)| l == lane && f == flow);
            assert!(own.map(|(_, _, number)| *number).is_sorted());
        }
    }
}
