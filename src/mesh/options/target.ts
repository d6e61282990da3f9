/** What is wrong with a target, as what was expected in its place; undefined where it is fine. */
export function targetProblem(target: string): string | undefined {
  if (target.length > 4_096) return 'a target of at most 4096 characters';
  return /^(static|dns|srv|file):\/\/\S+$/.test(target)
    ? undefined
    : 'a target such as dns://orders.internal:8080, static://10.0.0.1:80, srv://_http._tcp.orders.internal or file:///etc/orders.json';
}
