//! What becomes of stacks on real servers. Each test has a lab of its own, and they run side by side.

mod destroyed;
mod drift;
mod forgotten;
mod killed;
mod one_instance;
mod printed;
mod registered;
mod renamed;
mod saved_plan;
mod settled_once;
mod two_stacks;
