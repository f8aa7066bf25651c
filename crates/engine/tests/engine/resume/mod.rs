//! A job that is interrupted and begun again: in the end it has done what it would have done
//! undisturbed, and nothing of it twice.

mod by_memory;
mod changes;
mod doubt;
mod ended;
mod kill;
mod older;
mod past;
mod power;
mod put_in_order;
mod remembered;
mod rot;
mod story;
mod undone;
