// On a page over HTTPS, the browser reads a message whose last line is "@your.domain #123456"
// itself, once the user agrees (WebOTP). Typing the code still works meanwhile.
const verify = document.getElementById("verify");
if (verify && "OTPCredential" in window) {
  const over = new AbortController();
  verify.addEventListener("submit", () => over.abort());
  navigator.credentials
    .get({ otp: { transport: ["sms"] }, signal: over.signal })
    .then((message) => {
      verify.elements.code.value = message.code;
      verify.requestSubmit();
    })
    .catch(() => {}); // no message, no permission, or typed by hand
}

// The server refuses an early resend; this only shows the wait.
const again = document.getElementById("again");
if (again) {
  const label = again.textContent;
  const until = performance.now() + Number(again.dataset.wait) * 1000;
  const show = () => {
    const left = Math.ceil((until - performance.now()) / 1000);
    again.disabled = left > 0;
    again.textContent = left > 0 ? `${label} in ${left} s` : label;
    if (left > 0) setTimeout(show, 250);
  };
  show();
}
