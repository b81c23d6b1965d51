import type { OpenCluster } from '../core/ports.ts'

/** Loads what talks to Kubernetes, which only those pay for who ask for a cluster. */
export const openCluster: OpenCluster = async (settings) => {
  const kubernetes = await import('../kubernetes/index.ts')
  return kubernetes.openCluster(settings)
}
