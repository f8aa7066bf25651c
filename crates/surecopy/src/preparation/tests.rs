//! Preparation over trees that change between one run and the next.
