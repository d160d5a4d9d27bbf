// Options of better-auth's plug-in phoneNumber: otpmux makes the code, sends it and checks it.
const PURPOSE = 'login';

async function call(path, body) {
  const response = await fetch(process.env.OTPMUX_URL + path, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Bearer ${process.env.OTPMUX_API_KEY}`,
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10000),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`otpmux: ${answer.type}`);
  return answer;
}

async function sendOTP({ phoneNumber }) {
  // The code of better-auth is not used. A further request for the same number repeats the same code.
  await call('/v1/verifications', { to: phoneNumber, purpose: PURPOSE, repeat: 'same_code' });
}

export const otpmux = {
  sendOTP,
  sendPasswordResetOTP: sendOTP,
  async verifyOTP({ phoneNumber, code }) {
    const { verdict } = await call('/v1/verifications/verify', { to: phoneNumber, purpose: PURPOSE, code });
    return verdict === 'approved';
  },
};
