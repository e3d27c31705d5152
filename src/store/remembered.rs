//! The hashes of the events that were taken, in the order of their coming: is it there, add one, forget the oldest.
//!
//! A ring holds the hashes, a table of half their size finds them in it. So the oldest are known without asking the
//! database, and whoever forgets one and adds one, for ever, leaves no gaps in the table that would have to be cleared
//! or would make it grow, as in a general hash set. Takes 28 MB for each million. What comes in is a hash already: its
//! first bits say where to look, and nobody can choose them.

use std::collections::VecDeque;

/// The smallest table has two to the power of this many slots.
const SMALLEST: u32 = 6;

/// The hashes. No hash is in it twice.
pub(super) struct Remembered {
    /// Oldest first.
    ring: VecDeque<u128>,
    /// The position of the oldest. Positions go up by one, and around.
    oldest: u32,
    /// Open addressing: each is in its home slot or, without a gap between, behind it. At most seven of eight are taken.
    slots: Vec<Slot>,
    /// The table has two to the power of this many slots.
    bits: u32,
}

/// A place in the table.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Slot {
    /// The first bits of the hash; never zero but in an empty slot.
    tag: u32,
    position: u32,
}

impl Slot {
    const EMPTY: Self = Self { tag: 0, position: 0 };

    fn new(hash: u128, position: u32) -> Self {
        let [.., a, b, c, d] = hash.to_le_bytes();
        Self { tag: u32::from_le_bytes([a, b, c, d]) | 1, position }
    }
}

impl Default for Remembered {
    fn default() -> Self {
        Self { ring: VecDeque::new(), oldest: 0, slots: vec![Slot::EMPTY; 1 << SMALLEST], bits: SMALLEST }
    }
}

impl Remembered {
    pub(super) fn len(&self) -> usize {
        self.ring.len()
    }

    pub(super) fn contains(&self, hash: &u128) -> bool {
        let tag = Slot::new(*hash, 0).tag;
        self.find(tag, |slot| slot == Slot::EMPTY || slot.tag == tag && self.hash(slot) == Some(hash))
            .is_some_and(|place| self.slots[place] != Slot::EMPTY)
    }

    /// Adds it as the youngest; whether it was not there.
    pub(super) fn insert(&mut self, hash: u128) -> bool {
        if self.contains(&hash) {
            return false;
        }
        self.make_room();
        let position = self.position(self.ring.len());
        self.ring.push_back(hash);
        self.put(Slot::new(hash, position));
        true
    }

    /// Takes the youngest out.
    pub(super) fn take_youngest(&mut self) -> Option<u128> {
        let hash = self.ring.pop_back()?;
        self.clear(Slot::new(hash, self.position(self.ring.len())));
        Some(hash)
    }

    /// Takes the oldest out.
    pub(super) fn take_oldest(&mut self) -> Option<u128> {
        let hash = self.ring.pop_front()?;
        self.clear(Slot::new(hash, self.oldest));
        self.oldest = self.oldest.wrapping_add(1);
        Some(hash)
    }

    /// Undoes [`Remembered::take_oldest`].
    pub(super) fn put_back_oldest(&mut self, hash: u128) {
        self.make_room();
        self.oldest = self.oldest.wrapping_sub(1);
        self.ring.push_front(hash);
        self.put(Slot::new(hash, self.oldest));
    }

    fn hash(&self, slot: Slot) -> Option<&u128> {
        self.ring.get(slot.position.wrapping_sub(self.oldest) as usize)
    }

    /// The position of the ring's entry with this index.
    fn position(&self, index: usize) -> u32 {
        let [a, b, c, d, ..] = index.to_le_bytes();
        self.oldest.wrapping_add(u32::from_le_bytes([a, b, c, d]))
    }

    const fn home(&self, tag: u32) -> usize {
        (tag >> (u32::BITS - self.bits)) as usize
    }

    const fn after(&self, place: usize) -> usize {
        (place + 1) & (self.slots.len() - 1)
    }

    /// How many steps it is from one place forward to another.
    const fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.slots.len() - 1)
    }

    /// The first place from the home of `tag` on that is wanted. The table always has empty slots.
    fn find(&self, tag: u32, is_wanted: impl Fn(Slot) -> bool) -> Option<usize> {
        let (before, from) = self.slots.split_at(self.home(tag));
        let behind = from.iter().position(|slot| is_wanted(*slot)).map(|steps| before.len() + steps);
        behind.or_else(|| before.iter().position(|slot| is_wanted(*slot)))
    }

    fn put(&mut self, slot: Slot) {
        if let Some(place) = self.find(slot.tag, |slot| slot == Slot::EMPTY) {
            self.slots[place] = slot;
        }
    }

    /// Empties a slot and moves up those behind it that were waiting for it, so that each is found again.
    fn clear(&mut self, slot: Slot) {
        let Some(mut hole) = self.find(slot.tag, |other| other == slot) else { return };
        let mut place = self.after(hole);
        while self.slots[place] != Slot::EMPTY {
            let from = self.home(self.slots[place].tag);
            if self.distance(from, place) >= self.distance(hole, place) {
                self.slots[hole] = self.slots[place];
                hole = place;
            }
            place = self.after(place);
        }
        self.slots[hole] = Slot::EMPTY;
    }

    /// Makes the table larger before the next one would be too many.
    fn make_room(&mut self) {
        if self.ring.len() < self.slots.len() / 8 * 7 {
            return;
        }
        self.bits += 1;
        let slots = std::mem::replace(&mut self.slots, vec![Slot::EMPTY; 1 << self.bits]);
        slots.into_iter().filter(|slot| *slot != Slot::EMPTY).for_each(|slot| self.put(slot));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// `SplitMix64`, twice: hashes, the same in each run.
    fn hash(number: u64) -> u128 {
        let scramble = |seed: u64| {
            let mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^ (mixed >> 31)
        };
        u128::from(scramble(number)) << 64 | u128::from(scramble(!number))
    }

    /// What it must do, by the plainest means.
    #[derive(Default)]
    struct Model {
        order: VecDeque<u128>,
        known: HashSet<u128>,
    }

    impl Model {
        fn insert(&mut self, hash: u128) -> bool {
            let new = self.known.insert(hash);
            if new {
                self.order.push_back(hash);
            }
            new
        }

        fn forget(&mut self, hash: Option<u128>) -> Option<u128> {
            self.known.remove(&hash?);
            hash
        }
    }

    /// Anything that happens, in any order; `hashes` makes them out of numbers.
    fn compare_with_model(hashes: fn(u64) -> u128, rounds: u64) {
        let (mut remembered, mut model) = (Remembered::default(), Model::default());
        remembered.oldest = u32::MAX - 1_000;
        for round in 0..rounds {
            let dice = hash(round ^ 0x5555) % 100;
            let hash = hashes(if dice < 5 { round / 2 } else { round });
            match dice {
                0..60 => assert_eq!(remembered.insert(hash), model.insert(hash)),
                60..80 => {
                    let oldest = model.order.pop_front();
                    assert_eq!(remembered.take_oldest(), model.forget(oldest));
                }
                80..95 => {
                    let youngest = model.order.pop_back();
                    assert_eq!(remembered.take_youngest(), model.forget(youngest));
                }
                _ if !model.known.contains(&hash) => {
                    model.known.insert(hash);
                    model.order.push_front(hash);
                    remembered.put_back_oldest(hash);
                }
                _ => {}
            }
            assert_eq!(remembered.len(), model.order.len());
            let some = hashes(round * 7 % (round + 1));
            assert_eq!(remembered.contains(&some), model.known.contains(&some));
        }
        assert!(model.order.iter().all(|hash| remembered.contains(hash)));
        assert!((0..rounds).map(hashes).all(|hash| remembered.contains(&hash) == model.known.contains(&hash)));
    }

    #[test]
    fn behaves_like_a_set_and_a_queue() {
        compare_with_model(hash, 40_000);
    }

    #[test]
    fn tells_apart_what_begins_alike_and_wraps_around() {
        // Four homes, of which two are at the table's end.
        const HOMES: [u128; 4] = [0xff << 120, 0xfe << 120, 0, 0x80 << 120];
        compare_with_model(|number| HOMES[usize::from(number.to_le_bytes()[0] % 4)] | u128::from(number), 3_000);
    }

    #[test]
    fn does_not_grow_while_as_many_come_as_go() {
        let mut remembered = Remembered::default();
        for number in 0..50_000 {
            remembered.insert(hash(number));
            if number >= 50 {
                assert_eq!(remembered.take_oldest(), Some(hash(number - 50)));
            }
        }
        assert_eq!((remembered.len(), remembered.slots.len()), (50, 64));
        assert_eq!(remembered.slots.iter().filter(|slot| **slot != Slot::EMPTY).count(), 50);
    }
}
