//! Doors: software that speaks the API of another OTP system.

mod frame;
mod hooks;
mod hostile;
mod twilio;
mod vonage;
