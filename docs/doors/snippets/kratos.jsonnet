// The body that Kratos sends to otpmux, for SMS and for e-mail.
function(ctx)
  local data = if 'template_data' in ctx && ctx.template_data != null then ctx.template_data else {};
  local names = ['login_code', 'verification_code', 'registration_code', 'recovery_code'];
  local codes = [data[name] for name in names if name in data];
  {
    to: ctx.recipient,
    text: ctx.body,
    type: ctx.template_type,
    [if std.length(codes) > 0 then 'code']: codes[0],
  }
