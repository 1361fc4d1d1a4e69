//! Radios over a simulated link, with the trusted application's logic behind each: no
//! nonce twice, nothing lost on a clean link, nothing accepted twice or falsely, and
//! exact counts. Time is simulated too.

mod attacks;
mod forge;
mod link;
mod objects;
mod radio;
mod traffic;
mod world;
