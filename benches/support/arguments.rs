//! What the benches are told, and how they sum up.

use std::error::Error;

/// Reads options that are each a whole number, with what they are when nobody says.
pub fn numbers<const N: usize>(options: [(&str, i64); N]) -> Result<[i64; N], Box<dyn Error>> {
    let mut numbers = options.map(|(_, usual)| usual);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        // Cargo adds this to every bench.
        if argument == "--bench" {
            continue;
        }
        let place = options.iter().position(|(name, _)| *name == argument).ok_or_else(|| {
            let known: Vec<String> = options.iter().map(|(name, _)| format!("{name} N")).collect();
            format!("unknown option {argument}: {}", known.join(", "))
        })?;
        let text = arguments.next().ok_or("a number is missing")?;
        numbers[place] = text.parse::<i64>()?.max(1);
    }
    Ok(numbers)
}

/// The one in the middle.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}
