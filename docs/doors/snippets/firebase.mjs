// Sign-in with a telephone number for an application on Firebase: otpmux verifies the number, and Firebase gets a
// custom token. `auth` is getAuth() of firebase-admin.
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

/** In place of signInWithPhoneNumber. */
export async function start(phoneNumber, ip) {
  await call('/v1/verifications', { to: phoneNumber, purpose: PURPOSE, repeat: 'same_code', client: { ip } });
}

/** In place of confirmationResult.confirm: returns a token for signInWithCustomToken, or null for a wrong code. */
export async function confirm(auth, phoneNumber, code, ip) {
  const { verdict } = await call('/v1/verifications/verify', {
    to: phoneNumber,
    purpose: PURPOSE,
    code,
    client: { ip },
  });
  if (verdict !== 'approved') return null;
  let user;
  try {
    user = await auth.getUserByPhoneNumber(phoneNumber);
  } catch (error) {
    if (error.code !== 'auth/user-not-found') throw error;
    user = await auth.createUser({ phoneNumber });
  }
  return auth.createCustomToken(user.uid);
}
