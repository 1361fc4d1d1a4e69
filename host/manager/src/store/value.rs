//! Values between SQL and the domain. SQL knows signed numbers only.

use super::{Row, StoreError};

pub(super) fn int(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::Damaged("a number is beyond 2^63"))
}

pub(super) fn number(row: &Row, column: &'static str) -> Result<u64, StoreError> {
    let value: i64 = row.try_get(column)?;
    u64::try_from(value).map_err(|_| StoreError::Damaged(column))
}

pub(super) fn narrow<T: TryFrom<u64>>(row: &Row, column: &'static str) -> Result<T, StoreError> {
    T::try_from(number(row, column)?).map_err(|_| StoreError::Damaged(column))
}

pub(super) fn truth(row: &Row, column: &'static str) -> Result<bool, StoreError> {
    Ok(number(row, column)? != 0)
}

pub(super) fn array<const N: usize>(
    row: &Row,
    column: &'static str,
) -> Result<[u8; N], StoreError> {
    row.try_get(column)
}

/// Values that one question asks for: both databases take more.
pub(super) const PART: usize = 500;

/// Places for so many values: `$1, $2, $3`.
pub(super) fn places(count: usize) -> String {
    (1..=count).map(|at| format!("${at}")).collect::<Vec<_>>().join(", ")
}

/// Places for so many rows of so many values: `($1, $2), ($3, $4)`.
pub(super) fn rows(count: usize, width: usize) -> String {
    let places: Vec<_> = (1..=count.saturating_mul(width)).map(|at| format!("${at}")).collect();
    let rows: Vec<_> = places.chunks(width).map(|row| format!("({})", row.join(", "))).collect();
    rows.join(", ")
}

/// Ids of 24 bits.
pub(super) fn wide(octets: [u8; 3]) -> i64 {
    let [a, b, c] = octets;
    i64::from(u32::from_be_bytes([0, a, b, c]))
}
