//! The histograms of all turns since the start, under LiveKit's names, for each persona.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use super::proto::{Attribute, Message, Value, attribute};
use crate::id::PersonaId;
use crate::latency::{BOUNDS_US, Figure, TurnRecord};

/// `AGGREGATION_TEMPORALITY_CUMULATIVE` of OTLP: what a lost request held comes with the next.
const CUMULATIVE: u64 = 2;

pub(super) struct Meters {
    since_unix_ns: u64,
    /// In the order of [`Figure::ALL`].
    figures: [BTreeMap<PersonaId, Times>; Figure::ALL.len()],
}

#[derive(Default)]
struct Times {
    buckets: [u64; BOUNDS_US.len() + 1],
    sum_us: u64,
}

impl Meters {
    pub(super) fn new() -> Self {
        Self { since_unix_ns: now_unix_ns(), figures: Default::default() }
    }

    /// Only a granted turn has times that anybody waited for.
    pub(super) fn add(&mut self, record: &TurnRecord) {
        if !record.was_granted() {
            return;
        }
        for (figure, personas) in Figure::ALL.iter().zip(&mut self.figures) {
            if let Some(us) = figure.of(record) {
                let times = personas.entry(record.persona.clone()).or_default();
                times.buckets[BOUNDS_US.partition_point(|bound| *bound < us)] += 1;
                times.sum_us += us;
            }
        }
    }

    /// An `ExportMetricsServiceRequest`.
    pub(super) fn encode(&self, resource: &[Attribute]) -> Vec<u8> {
        let now_unix_ns = now_unix_ns();
        super::proto::request(resource, |scope| {
            let figures = Figure::ALL.iter().zip(&self.figures);
            for (figure, personas) in figures.filter(|(_, personas)| !personas.is_empty()) {
                scope.message(2, |metric| {
                    metric.text(1, figure.otel);
                    metric.text(2, figure.about);
                    metric.text(3, "s");
                    metric.message(9, |histogram| {
                        for (persona, times) in personas {
                            histogram.message(1, |point| {
                                point.fixed64(2, self.since_unix_ns);
                                point.fixed64(3, now_unix_ns);
                                times.encode(point, persona);
                            });
                        }
                        histogram.uint(2, CUMULATIVE);
                    });
                });
            }
        })
    }
}

impl Times {
    fn encode(&self, point: &mut Message, persona: &PersonaId) {
        point.fixed64(4, self.buckets.iter().sum());
        point.double(5, self.sum_us as f64 / 1e6);
        point.packed(6, self.buckets.into_iter());
        point.packed(7, BOUNDS_US.iter().map(|us| (*us as f64 / 1e6).to_bits()));
        attribute(point, 9, &("troupe.persona", Value::Text(persona.to_string())));
    }
}

fn now_unix_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
