//! Whose turn it is: most tests run beside one another, those that compare the host before and after run alone.

use std::cell::RefCell;
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

static TURN: RwLock<()> = RwLock::new(());

#[allow(dead_code)] // held, not read
enum Turn {
    Beside(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

thread_local! {
    /// The test runner gives each test a thread of its own, so this ends with the test.
    static HELD: RefCell<Option<Turn>> = const { RefCell::new(None) };
}

/// Every sandbox of a test calls this.
pub fn beside() {
    HELD.with_borrow_mut(|held| {
        if held.is_none() {
            *held = Some(Turn::Beside(TURN.read().unwrap_or_else(|poisoned| poisoned.into_inner())));
        }
    });
}

/// From here to its end no other test has a sandbox.
pub fn alone() {
    HELD.with_borrow_mut(|held| {
        if !matches!(held, Some(Turn::Alone(_))) {
            *held = None;
            *held = Some(Turn::Alone(TURN.write().unwrap_or_else(|poisoned| poisoned.into_inner())));
        }
    });
}
