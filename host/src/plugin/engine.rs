//! The WebAssembly engine: one for the process.

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::Limits;

/// Calls that can run at the same time. Each waits for answers more than it computes.
pub const SLOTS: u32 = 32;

/// Core modules inside a component: the guest and the shims around it.
const MODULES: u32 = 8;

/// Bytes that the bookkeeping of one instance may take.
const INSTANCE: usize = 256 << 10;

/// An engine whose code depends on this configuration alone, the same on every machine of a kind.
pub fn engine(limits: &Limits) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .consume_fuel(true)
        .parallel_compilation(true)
        // What a plugin computes is the same everywhere, to the last bit.
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        // Reserved in full, but in small: the default of 4 GiB a slot is too much for a machine with a limit on
        // address space, and checking bounds costs these guests nothing that shows.
        .memory_reservation(limits.memory.try_into()?)
        .memory_reservation_for_growth(0)
        .memory_guard_size(64 << 10)
        .max_wasm_stack(512 << 10)
        // A trap is told in words; frames of somebody else's code are of no use to the person at the terminal.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits)));
    Engine::new(&config)
}

fn pool(limits: &Limits) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(SLOTS)
        .total_core_instances(SLOTS * MODULES)
        .total_memories(SLOTS)
        .total_tables(SLOTS * 3)
        .max_component_instance_size(INSTANCE)
        .max_core_instances_per_component(MODULES)
        .max_core_instance_size(INSTANCE)
        .max_memories_per_component(1)
        .max_memories_per_module(1)
        .max_tables_per_component(3)
        .max_tables_per_module(2)
        .max_memory_size(limits.memory)
        .table_elements(limits.table)
        // Nothing of a call stays for the next one: memory and tables are what they were, page by page. Memory goes back
        // to the system with each call: if it waited for others, a call could find that there is none although it has its
        // slot.
        .decommit_batch_size(1)
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(if finds_touched_pages() { limits.memory } else { 0 })
        .table_keep_resident(limits.table * size_of::<usize>());
    pool
}

/// Whether the kernel tells which pages were touched (`PAGEMAP_SCAN`, since Linux 6.7). Then exactly those are written
/// back to what they were, and the next call does not have to fault them in again. Else all of a memory is given back,
/// since writing over pages that nobody touched would cost more.
fn finds_touched_pages() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(|character: char| !character.is_ascii_digit()).map_while(|part| part.parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (6_u32, 7_u32)
}
