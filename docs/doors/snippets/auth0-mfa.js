// Action of the trigger send-phone-message. Secrets: OTPMUX_URL (https://otp.example.com/hooks/auth0), OTPMUX_SECRET.
exports.onExecuteSendPhoneMessage = async (event) => {
  const { recipient, code, text, message_type } = event.message_options;
  const response = await fetch(event.secrets.OTPMUX_URL, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Bearer ${event.secrets.OTPMUX_SECRET}`,
    },
    body: JSON.stringify({
      to: recipient,
      code,
      text,
      locale: event.request.language,
      channel: message_type === 'voice' ? 'voice' : 'sms',
      ip: event.request.ip,
    }),
    signal: AbortSignal.timeout(10000),
  });
  if (!response.ok) {
    const { error } = await response.json();
    throw new Error(`otpmux: ${error}`);
  }
};
