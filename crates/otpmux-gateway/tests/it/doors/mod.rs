//! Doors: software that speaks the API of another OTP system.

mod frame;
mod hostile;
mod twilio;
mod vonage;
mod hooks;
