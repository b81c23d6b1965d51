/** Places an order at the service that the run has started for this file. */
export async function order(product: string, key?: string): Promise<number> {
  const headers: Record<string, string> = { authorization: `Bearer ${process.env['ORDERS_TOKEN']}` }
  if (key !== undefined) headers['idempotency-key'] = key
  const response = await fetch(`${process.env['API']}/orders/${product}`, { method: 'POST', headers })
  return response.status
}
