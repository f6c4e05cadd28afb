//! Options of a socket that has no descriptor: what a guest has set, or what Linux has for new
//! ones.

use wasmtime_wasi::sockets::ErrorCode;

use super::unread::CAPACITY;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// None: not set.
#[derive(Clone, Default)]
pub struct Options {
    pub backlog: Option<u64>,
    pub keep_alive_enabled: Option<bool>,
    pub keep_alive_idle_time: Option<u64>,
    pub keep_alive_interval: Option<u64>,
    pub keep_alive_count: Option<u32>,
    pub hop_limit: Option<u8>,
    pub receive_buffer_size: Option<u64>,
    pub send_buffer_size: Option<u64>,
}

/// Calls a macro with all of them, each by the function that sets it.
macro_rules! for_each_option {
    ($set:ident) => {
        $set! {
            backlog by set_listen_backlog_size,
            keep_alive_enabled by set_keep_alive_enabled,
            keep_alive_idle_time by set_keep_alive_idle_time,
            keep_alive_interval by set_keep_alive_interval,
            keep_alive_count by set_keep_alive_count,
            hop_limit by set_hop_limit,
            receive_buffer_size by set_receive_buffer_size,
            send_buffer_size by set_send_buffer_size,
        }
    };
}
pub(super) use for_each_option;

fn positive<T: Default + PartialEq>(value: T) -> Result<T, ErrorCode> {
    match value == T::default() {
        true => Err(ErrorCode::InvalidArgument),
        false => Ok(value),
    }
}

fn seconds(nanoseconds: u64) -> u64 {
    nanoseconds.clamp(NANOS_PER_SECOND, i16::MAX as u64 * NANOS_PER_SECOND)
}

impl Options {
    pub fn backlog(&self) -> usize {
        usize::try_from(self.backlog.unwrap_or(u64::MAX)).unwrap_or(usize::MAX)
    }
    pub fn keep_alive_enabled(&self) -> bool {
        self.keep_alive_enabled.unwrap_or(false)
    }
    pub fn keep_alive_idle_time(&self) -> u64 {
        self.keep_alive_idle_time.unwrap_or(7200 * NANOS_PER_SECOND)
    }
    pub fn keep_alive_interval(&self) -> u64 {
        self.keep_alive_interval.unwrap_or(75 * NANOS_PER_SECOND)
    }
    pub fn keep_alive_count(&self) -> u32 {
        self.keep_alive_count.unwrap_or(9)
    }
    pub fn hop_limit(&self) -> u8 {
        self.hop_limit.unwrap_or(64)
    }
    pub fn receive_buffer_size(&self) -> u64 {
        self.receive_buffer_size.unwrap_or(CAPACITY as u64)
    }
    pub fn send_buffer_size(&self) -> u64 {
        self.send_buffer_size.unwrap_or(CAPACITY as u64)
    }

    pub fn set_backlog(&mut self, value: u64) -> Result<(), ErrorCode> {
        self.backlog = Some(positive(value)?);
        Ok(())
    }
    pub fn set_keep_alive_enabled(&mut self, value: bool) -> Result<(), ErrorCode> {
        self.keep_alive_enabled = Some(value);
        Ok(())
    }
    pub fn set_keep_alive_idle_time(&mut self, value: u64) -> Result<(), ErrorCode> {
        self.keep_alive_idle_time = Some(seconds(positive(value)?));
        Ok(())
    }
    pub fn set_keep_alive_interval(&mut self, value: u64) -> Result<(), ErrorCode> {
        self.keep_alive_interval = Some(seconds(positive(value)?));
        Ok(())
    }
    pub fn set_keep_alive_count(&mut self, value: u32) -> Result<(), ErrorCode> {
        self.keep_alive_count = Some(positive(value)?.min(i8::MAX as u32));
        Ok(())
    }
    pub fn set_hop_limit(&mut self, value: u8) -> Result<(), ErrorCode> {
        self.hop_limit = Some(positive(value)?);
        Ok(())
    }
    pub fn set_receive_buffer_size(&mut self, value: u64) -> Result<(), ErrorCode> {
        self.receive_buffer_size = Some(positive(value)?);
        Ok(())
    }
    pub fn set_send_buffer_size(&mut self, value: u64) -> Result<(), ErrorCode> {
        self.send_buffer_size = Some(positive(value)?);
        Ok(())
    }
}
