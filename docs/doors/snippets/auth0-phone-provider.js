// Action of the trigger custom-phone-provider. Secrets: OTPMUX_URL (https://otp.example.com/hooks/auth0), OTPMUX_SECRET.
exports.onExecuteCustomPhoneProvider = async (event, api) => {
  const { recipient, code, as_text, delivery_method, locale } = event.notification;
  if (!code) {
    // Messages without a code, such as of a blocked account.
    api.notification.drop('no code');
    return;
  }
  const response = await fetch(event.secrets.OTPMUX_URL, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Bearer ${event.secrets.OTPMUX_SECRET}`,
    },
    body: JSON.stringify({
      to: recipient,
      code,
      text: as_text,
      locale,
      channel: delivery_method === 'voice' ? 'voice' : 'sms',
      ip: event.request && event.request.ip,
    }),
    signal: AbortSignal.timeout(10000),
  });
  if (!response.ok) {
    const { error } = await response.json();
    api.notification.drop(error);
  }
};
