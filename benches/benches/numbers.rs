//! Cost of parsing and looking up a telephone number.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up must stop")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use otpmux_core::PhoneNumber;

fn numbers(criterion: &mut Criterion) {
    for (name, text) in
        [("india", "+919876543210"), ("america", "+14155550123"), ("guernsey", "+447911123456")]
    {
        let phone: PhoneNumber = text.parse().expect("a number");
        criterion.bench_function(&format!("numbers/place/{name}"), |bencher| {
            bencher.iter(|| black_box(&phone).place());
        });
    }
    criterion.bench_function("numbers/parse", |bencher| {
        bencher.iter(|| black_box("+919876543210").parse::<PhoneNumber>());
    });
}

criterion_group!(benches, numbers);
criterion_main!(benches);
