// From degrees to the plane and back. y grows downwards. Units: degrees (plate carrée), radii of the Earth (polar).
const RAD = Math.PI / 180, EARTH = 6371.0088;  // km
const LEAST = 30;  // degrees of latitude down to which a polar map goes

function plateCarree(middle) {
  return {
    middle, polar: false, bounds: [-180, -90, 180, 90],
    to: (lon, lat) => [turn(lon - middle), -lat],
    from: (x, y) => Math.abs(x) <= 180 && Math.abs(y) <= 90 ? [turn(x + middle), -y] : null,
    sees: () => true,
  };
}
// sign: 1 for the north, -1 for the south; middle: the meridian that points down, or up in the south.
function stereographic(sign, middle) {
  const radius = lat => 2 * Math.tan((90 - sign * lat) / 2 * RAD), rim = radius(sign * LEAST);
  return {
    middle, polar: true, sign, rim, bounds: [-rim, -rim, rim, rim],
    to(lon, lat) {
      const r = radius(sign * Math.max(sign * lat, LEAST - 20)), angle = (lon - middle) * RAD;
      return [r * Math.sin(angle), sign * r * Math.cos(angle)];
    },
    from(x, y) {
      const r = Math.hypot(x, y);
      return r > rim ? null : [turn(middle + Math.atan2(x, sign * y) / RAD), sign * (90 - 2 * Math.atan(r / 2) / RAD)];
    },
    sees: (low, up) => sign > 0 ? up > LEAST : low < -LEAST,
  };
}

// The outline of bounds on the plane, flat [x, y, x, y, ...]. In plate carrée it may reach beyond the eastern edge.
function outline(projection, lon, lat, wide, high) {
  if (!projection.polar) {
    const [x, y] = projection.to(lon, lat);
    return [x, y, x + wide, y, x + wide, y - high, x, y - high];
  }
  const steps = Math.max(1, Math.ceil(wide / 3)), points = [];  // a parallel is an arc here
  for (let i = 0; i <= steps; i++) points.push(...projection.to(lon + wide * i / steps, lat));
  for (let i = steps; i >= 0; i--) points.push(...projection.to(lon + wide * i / steps, lat + high));
  return points;
}

// The meridian farthest from a gap in the data: what lies across 180 degrees is not torn apart.
function middleOfData() {
  const taken = new Uint8Array(360);
  for (let i = 0; i < scenes.count; i++) {
    if (!placed(i)) continue;
    const first = Math.floor(turn(west(i))) + 180, last = first + Math.min(359, Math.ceil(wide(i)));
    for (let at = first; at <= last; at++) taken[at % 360] = 1;
  }
  if (!taken.includes(1) || !taken.includes(0) || !taken[0] && !taken[359]) return 0;  // 180 degrees are free: the usual map
  let best = 0, length = 0, run = 0;
  for (let at = 0; at < 720; at++) {
    run = taken[at % 360] ? 0 : run + 1;
    if (run > length) { length = run; best = at - run / 2 + .5; }
  }
  return length < 20 ? 0 : turn(Math.round((best % 360 - 180 + 180) / 10) * 10);
}
function usualProjection() {
  let north = 0, low = 0, southern = 0;
  for (let i = 0; i < scenes.count; i++) {
    if (!placed(i)) continue;
    const lat = south(i) + high(i) / 2;
    if (lat > 60) north++; else if (lat < -60) southern++; else low++;
  }
  if (north + southern <= low) return "plate";
  return north >= southern ? "north" : "south";
}
const projections = {plate: plateCarree(middleOfData()), north: stereographic(1, -45), south: stereographic(-1, 0)};

// Kilometres between two points [lon, lat] on a sphere.
function distance([lon, lat], [lon2, lat2]) {
  const half = Math.sin((lat2 - lat) / 2 * RAD) ** 2
    + Math.cos(lat * RAD) * Math.cos(lat2 * RAD) * Math.sin((lon2 - lon) / 2 * RAD) ** 2;
  return 2 * EARTH * Math.asin(Math.min(1, Math.sqrt(half)));
}
