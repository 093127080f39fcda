//! The rising delay after wrong passwords, for each address and for all together.
//!
//! Nobody is kept waiting with a connection open: who comes too early is told when to come back.
//! The delay of all together is short, so that a stranger cannot lock everyone out for long; it is
//! there for one who has many addresses.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How often an address, and all of them together, may be wrong without a delay.
const FREE: u32 = 3;
const FREE_TOGETHER: u32 = 20;

const LONGEST: Duration = Duration::from_mins(15);
const LONGEST_TOGETHER: Duration = Duration::from_secs(10);

/// After this time without a failure, those before are forgotten.
const MEMORY: Duration = Duration::from_hours(1);

/// More addresses than this are not kept apart.
const MOST: usize = 10_000;

/// Failures so far.
#[derive(Default)]
pub(super) struct Delays {
    together: Failures,
    addresses: HashMap<Option<IpAddr>, Failures>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Failures {
    count: u32,
    last: Option<Instant>,
}

impl Failures {
    /// How long to wait before the next try.
    fn wait(&self, free: u32, longest: Duration, now: Instant) -> Duration {
        let Some(last) = self.last else { return Duration::ZERO };
        let Some(beyond) = self.count.checked_sub(free) else { return Duration::ZERO };
        let delay = Duration::from_secs(1 << beyond.min(20)).min(longest);
        (last + delay).saturating_duration_since(now)
    }

    fn add(&mut self, now: Instant) {
        if self.is_forgotten(now) {
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        self.last = Some(now);
    }

    fn is_forgotten(&self, now: Instant) -> bool {
        self.last.is_none_or(|last| now.saturating_duration_since(last) >= MEMORY)
    }
}

impl Delays {
    /// Begins a try, which counts as failed until it has succeeded. An error is the time to wait.
    pub(super) fn begin(&mut self, address: Option<IpAddr>, now: Instant) -> Result<(), Duration> {
        let address = self.place(address, now);
        let own = self.addresses.get(&address).copied().unwrap_or_default();
        let wait = own.wait(FREE, LONGEST, now).max(self.together.wait(
            FREE_TOGETHER,
            LONGEST_TOGETHER,
            now,
        ));
        if !wait.is_zero() {
            return Err(wait);
        }
        self.together.add(now);
        self.addresses.entry(address).or_default().add(now);
        Ok(())
    }

    /// A try that was begun has failed, and only now: checking takes its time.
    pub(super) fn failed(&mut self, address: Option<IpAddr>, now: Instant) {
        self.together.last = Some(now);
        if let Some(failures) = self.addresses.get_mut(&network(address)) {
            failures.last = Some(now);
        }
    }

    /// The last try from this address was a good one: its failures are forgiven.
    pub(super) fn succeeded(&mut self, address: Option<IpAddr>) {
        self.addresses.remove(&network(address));
        self.together.count = self.together.count.saturating_sub(1);
    }

    /// Where the failures of an address are counted; together with others when there are too many.
    fn place(&mut self, address: Option<IpAddr>, now: Instant) -> Option<IpAddr> {
        let address = network(address);
        if self.addresses.len() >= MOST && !self.addresses.contains_key(&address) {
            self.addresses.retain(|_, failures| !failures.is_forgotten(now));
            if self.addresses.len() >= MOST {
                return None;
            }
        }
        address
    }
}

/// One who has an address of IPv6 has all 2⁶⁴ of its network.
fn network(address: Option<IpAddr>) -> Option<IpAddr> {
    address.map(|address| match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address @ IpAddr::V4(_) => address,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    /// Tries as early as may be; the answer is how long each had to wait.
    fn waits(delays: &mut Delays, address: IpAddr, mut now: Instant, tries: usize) -> Vec<u64> {
        let mut waits = Vec::new();
        for _ in 0..tries {
            let wait = delays.begin(Some(address), now).err().unwrap_or_default();
            if !wait.is_zero() {
                now += wait;
                delays.begin(Some(address), now).expect("the time has passed");
            }
            waits.push(wait.as_secs());
        }
        waits
    }

    #[test]
    fn the_delay_of_an_address_rises_to_its_bound() {
        let now = Instant::now();
        let mut delays = Delays::default();
        let told = waits(&mut delays, at("10.0.0.1"), now, 15);
        assert_eq!(told, [0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
    }

    #[test]
    fn an_address_does_not_pay_for_another_but_for_its_own_network() {
        let now = Instant::now();
        let mut delays = Delays::default();
        waits(&mut delays, at("2001:db8::1"), now, 3);
        assert!(delays.begin(Some(at("2001:db8::2")), now).is_err());
        assert!(delays.begin(Some(at("2001:db8:0:1::1")), now).is_ok());
        assert!(delays.begin(Some(at("10.0.0.1")), now).is_ok());
    }

    #[test]
    fn many_addresses_together_wait_a_little() {
        let now = Instant::now();
        let mut delays = Delays::default();
        for last in 0..20 {
            delays.begin(Some(at(&format!("10.0.0.{last}"))), now).expect("free");
        }
        let wait = delays.begin(Some(at("10.0.1.1")), now).expect_err("all together");
        assert_eq!(wait, Duration::from_secs(1));
    }

    #[test]
    fn success_forgives_and_time_forgets() {
        let now = Instant::now();
        let mut delays = Delays::default();
        waits(&mut delays, at("10.0.0.1"), now, 3);
        delays.succeeded(Some(at("10.0.0.1")));
        assert!(delays.begin(Some(at("10.0.0.1")), now).is_ok());
        waits(&mut delays, at("10.0.0.2"), now, 3);
        let later = now + MEMORY;
        assert_eq!(waits(&mut delays, at("10.0.0.2"), later, 4), [0, 0, 0, 1]);
    }
}
