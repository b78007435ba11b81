/** FNV-1a over UTF-16 units: cheap, stable across processes and drivers. Changing it moves keys between lanes. */
export function laneOf(laneKey: string, lanes: number): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < laneKey.length; i++) {
    hash ^= laneKey.charCodeAt(i)
    hash = Math.imul(hash, 0x01000193)
  }
  return (hash >>> 0) % lanes
}
