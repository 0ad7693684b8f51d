//! Models: what is installed, from where, and what stands in the way.

mod catalogue;
mod commands;
mod convert;
mod fixture;
mod hub;
mod maven;
mod package;
mod store;
