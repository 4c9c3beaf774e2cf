'use strict';
// Draws the report. All figures come from report.json; here they are only selected, divided by one another, and
// multiplied by the number of devices.
(() => {
  const report = JSON.parse(document.getElementById('report').textContent);
  const CASES = ['low', 'typical', 'high'];
  const byId = (list) => new Map(list.map((item) => [item.id, item]));
  const objects = ({ columns, rows }) =>
    rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));

  const pairs = byId(report.pairs);
  const strategies = byId(report.strategies);
  const profiles = byId(report.profiles);
  const sizes = objects(report.sizes);
  const costs = objects(report.costs);
  const breakEvens = objects(report.break_even);
  const curves = new Map(report.curves.map((curve) => [curve.profile, curve]));
  const key = (...parts) => parts.join('|');
  const sizeOf = new Map(sizes.map((row) => [key(row.pair, row.strategy), row]));
  const costOf = new Map(costs.map((row) => [key(row.pair, row.strategy, row.profile), row]));
  const breakEvenOf = new Map(breakEvens.map((row) => [key(row.pair, row.strategy, row.profile), row]));

  const OURS = ['libdelta:8k', 'libdelta:64k', 'libdelta:in-place'];
  const FAMILIES = {
    full: ['full image', 'square'],
    compressed: ['compressed image', 'diamond'],
    peer: ['other deltas, for PCs', 'circle'],
    'small-peer': ['other deltas, for microcontrollers', 'triangle'],
    'in-place-peer': ['other deltas, in place', 'wye'],
    ours: ['libdelta, two slots', 'star'],
    'ours-in-place': ['libdelta, in place', 'cross'],
  };
  const SYMBOLS = {
    square: d3.symbolSquare, diamond: d3.symbolDiamond, circle: d3.symbolCircle, triangle: d3.symbolTriangle,
    wye: d3.symbolWye, star: d3.symbolStar, cross: d3.symbolCross,
  };
  const colorOf = (family) => `var(--${family})`;
  const familyOf = (strategy) => strategies.get(strategy).family;
  const titleOf = (strategy) => strategies.get(strategy).title;
  const STATES = { measured: 'measured', table: 'earlier', missing: 'missing', failed: 'failed' };

  // --- text ----------------------------------------------------------------------------------------

  const digits = (value, count = 3) => value.toLocaleString('en', { maximumSignificantDigits: count });
  const whole = (value) => Math.round(value).toLocaleString('en');
  const scaled = (value, units) => {
    const [factor, unit] = units.findLast(([least]) => Math.abs(value) >= least) ?? units[0];
    return `${digits(value / factor)} ${unit}`;
  };
  const UNITS = {
    bytes: [[1, 'B'], [1e3, 'kB'], [1e6, 'MB'], [1e9, 'GB'], [1e12, 'TB']],
    seconds: [[1e-3, 'ms'], [1, 's'], [60, 'min'], [3600, 'h'], [86400, 'days'], [31557600, 'years']],
    joules: [[1e-6, '\u00b5J'], [1e-3, 'mJ'], [1, 'J'], [1e3, 'kJ']],
  };
  const formatBytes = (value) => (value === 0 ? '0 B' : scaled(value, UNITS.bytes));
  const formatSeconds = (value) => (value === 0 ? '0 s' : scaled(value, UNITS.seconds));
  const formatJoules = (value) => (value === 0 ? '0 J' : scaled(value, UNITS.joules));
  const formatMoney = (value, currency) => `${value >= 1000 ? whole(value) : digits(value)} ${currency}`;
  const formatShare = (value) => `${digits(100 * value)} %`;

  // What a column of costs is, how it reads, and what it says where there is nothing.
  const QUANTITIES = {
    money: { title: 'money', none: 'not priced', format: (value, profile) => formatMoney(value, profile.plan.currency) },
    total_seconds: { title: 'time', none: 'not known', format: formatSeconds },
    total_joules: { title: 'energy', none: 'not known', format: formatJoules },
    billed_bytes: { title: 'billed bytes', none: 'not known', format: formatBytes },
    battery_share: { title: 'share of a coin cell', none: 'not known', format: formatShare },
    bundle_share: { title: "share of the plan's bundle", none: 'no bundle', format: formatShare },
  };
  const year = (date) => (date.match(/\d{4}/) ?? ['undated'])[0];
  const scaleOf = (quantity) => (quantity === 'money' ? Number(state.devices) : 1);
  const priceDate = ({ plan }) => {
    if (!plan.priced) return 'not priced';
    if (plan.model === 'flat' && !plan.price_date) return '-';
    return year(plan.price_date) + (plan.status === 'current' ? '' : `, ${plan.status}`);
  };

  // --- elements ------------------------------------------------------------------------------------

  const find = (id) => document.getElementById(id);
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }
  const replace = (id, ...children) => find(id).replaceChildren(...children);

  // columns: [{title, number, ours}]; rows: [{head, cells: [{text, value, heat, none}]}]
  function fillTable(id, caption, columns, rows) {
    const head = make('tr', {}, ...columns.map((column) =>
      make('th', { scope: 'col', class: column.number ? 'number' : null }, column.title)));
    const body = rows.map((row) => make('tr', {},
      make('th', { scope: 'row' }, row.head),
      ...row.cells.map((cell, i) => {
        const classes = [];
        if (!columns[i + 1].number) classes.push('text');
        if (columns[i + 1].ours) classes.push('ours-column');
        if (cell.none) classes.push('none');
        if (cell.heat) classes.push('heat');
        const style = cell.heat ? `background: color-mix(in srgb, var(--heat) ${Math.round(55 * cell.heat)}%, transparent)` : null;
        return make('td', { class: classes.join(' ') || null, style, 'data-value': cell.value ?? null },
          ...(cell.meter === undefined ? [] : [meter(cell.meter)]), cell.text);
      })));
    replace(id, make('caption', {}, caption), make('thead', {}, head), make('tbody', {}, ...body));
  }
  function meter(share) {
    return make('span', { class: 'meter', 'aria-hidden': 'true' }, make('i', { style: `width: ${Math.min(100, 100 * share)}%` }));
  }
  function symbol(family, hollow = false) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.setAttribute('width', 16);
    svg.setAttribute('height', 16);
    svg.setAttribute('viewBox', '-8 -8 16 16');
    svg.setAttribute('aria-hidden', 'true');
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    path.setAttribute('d', d3.symbol(SYMBOLS[FAMILIES[family][1]], 70)());
    path.style.cssText = `fill: ${hollow ? 'none' : colorOf(family)}; stroke: ${colorOf(family)}; stroke-width: 1.5`;
    svg.append(path);
    return svg;
  }

  // Draws in a figure. Screen readers say caption and details in place of the chart.
  function draw(id, caption, details, options) {
    const figure = find(id);
    const width = Math.max(300, Math.min(1180, figure.clientWidth || 1100));
    const chart = Plot.plot({
      width,
      style: { background: 'transparent', color: 'inherit', fontSize: width < 600 ? '11px' : '13px', fontFamily: 'inherit' },
      ...options(width),
    });
    const svg = chart.tagName.toLowerCase() === 'svg' ? chart : chart.querySelector('svg');
    // What is in a picture has no name of its own.
    svg.querySelectorAll('[aria-label]').forEach((element) => element.removeAttribute('aria-label'));
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', `${caption} ${details}`);
    figure.replaceChildren(chart, make('figcaption', {}, caption));
  }

  // --- state ---------------------------------------------------------------------------------------

  const state = {};
  const known = (pair) => sizes.filter((row) => row.pair === pair && row.bytes !== null);
  const shownProfiles = () => report.profiles.filter((profile) => state.profiles === 'all' || profile.headline);
  const cost = (strategy, profile) => costOf.get(key(state.pair, strategy, profile));
  const valueOf = (row, quantity) => (row ? row[`${quantity}_${state.which}`] : null);

  const smallest = (rows) => rows.reduce((best, row) => (!best || row.bytes < best.bytes ? row : best), null);
  const bestOther = (pair, families = ['peer', 'small-peer']) =>
    smallest(known(pair).filter((row) => families.includes(familyOf(row.strategy))));

  // The ways that a matrix shows when not all: the first of each kind, the best of the others, ours.
  function keyStrategies() {
    const best = [bestOther(state.pair), bestOther(state.pair, ['small-peer'])].filter((row) => row);
    const wanted = new Set(['full', 'xz', ...best.map((row) => row.strategy), ...OURS]);
    return report.strategies.filter((strategy) => wanted.has(strategy.id) && cost(strategy.id, report.profiles[0].id));
  }
  const pricedStrategies = () => report.strategies.filter((strategy) => cost(strategy.id, report.profiles[0].id));

  // --- sections ------------------------------------------------------------------------------------

  function renderLead() {
    const what = report.generated_images
      ? `${report.pairs.length} pairs of generated images, of no device`
      : `${report.pairs.length} updates of real microcontroller firmware`;
    find('lead').textContent =
      `${what}, sent in ${report.strategies.length} ways, on ${report.profiles.length} links and plans: bytes, billed bytes, ` +
      `money, time, energy, flash. Prices as looked up until ${report.prices_as_of}; each has its own year.`;
  }

  function renderCards() {
    const pair = pairs.get(state.pair);
    const other = bestOther(state.pair);
    const card = (family, title, row) => make('div', { class: 'card', style: `--color: ${colorOf(family)}` },
      make('span', {}, title),
      make('b', { 'data-card': row.strategy, 'data-value': row.bytes }, `${whole(row.bytes)} B`),
      make('span', {}, `${formatShare(row.share)} of the full image`));
    const cards = [
      card('full', 'Full image', sizeOf.get(key(pair.id, 'full'))),
      ...(other ? [card(familyOf(other.strategy), `Smallest other delta: ${titleOf(other.strategy)}`, other)] : []),
      card('ours', 'libdelta, 64K of RAM', sizeOf.get(key(pair.id, 'libdelta:64k'))),
      card('ours-in-place', `libdelta in place, ${formatRam(report.board.ram)} of RAM`, sizeOf.get(key(pair.id, 'libdelta:in-place'))),
    ];
    replace('cards', ...cards);
  }

  const RATIOS = [
    ['bytes', 'bytes sent'], ['billed_bytes', 'billed bytes'], ['money', 'money'], ['total_seconds', 'time'], ['total_joules', 'energy'],
  ];

  function renderRatios() {
    const rows = shownProfiles().map((profile) => {
      const row = cost(state.shortStrategy, profile.id);
      return {
        head: profile.name,
        cells: RATIOS.map(([name]) => {
          const ratio = row[`${name}_ratio_to_full`];
          if (ratio === null) return { text: name === 'money' && profile.plan.priced ? 'free' : '-', none: true };
          return { text: formatShare(ratio), value: ratio, meter: ratio };
        }),
      };
    });
    fillTable('ratios',
      `${titleOf(state.shortStrategy)}, share of what the full image costs; typical case, flash included. A dash: nothing to compare.`,
      [{ title: 'Link and plan' }, ...RATIOS.map(([, title]) => ({ title, number: true }))], rows);
    // Profiles of which the same columns stay high for the same reason are one line.
    const groups = new Map();
    for (const profile of shownProfiles()) {
      const row = cost(state.shortStrategy, profile.id);
      const kept = RATIOS.slice(1).filter(([name]) => row[`${name}_ratio_to_full`] >= Math.max(0.2, 1.5 * row.bytes_ratio_to_full));
      if (kept.length === 0) continue;
      const why = reason(profile, kept);
      const group = key(why, ...kept.map(([name]) => name));
      if (!groups.has(group)) groups.set(group, { kept, why, names: [], rows: [] });
      groups.get(group).names.push(profile.name);
      groups.get(group).rows.push(row);
    }
    const range = (values) => {
      const [least, most] = d3.extent(values).map((value) => digits(100 * value, 2));
      return least === most ? `${least} %` : `${least} to ${most} %`;
    };
    const none = [...groups.values()].map(({ kept, why, names, rows: members }) => make('li', {}, make('strong', {}, names.join('; ')), ': ',
      kept.map(([name, title]) => `${range(members.map((row) => row[`${name}_ratio_to_full`]))} of the ${title}`).join(', '),
      ` remain for ${formatShare(members[0].bytes_ratio_to_full)} of the bytes${why}.`));
    const free = shownProfiles().filter((profile) => cost('full', profile.id).money_typical === 0);
    replace('unhelped', ...none,
      ...(free.length ? [make('li', {}, make('strong', {}, free.map((profile) => profile.name).join('; ')),
        ': the full image costs no money either.')] : []),
      ...(none.length + free.length ? [] : [make('li', {}, 'Nowhere among the links and plans shown.')]));
  }

  // Why so much remains.
  function reason(profile, kept) {
    const even = breakEvenOf.get(key(state.pair, state.shortStrategy, profile.id));
    const bytes = sizeOf.get(key(state.pair, state.shortStrategy)).bytes;
    const names = kept.map(([name]) => name);
    const reasons = [];
    if (names.some((name) => name === 'money' || name === 'billed_bytes') && profile.plan.quantum_bytes > 1) {
      reasons.push(`bytes are billed in units of ${formatBytes(profile.plan.quantum_bytes)}`);
    }
    const below = (size) => size !== null && bytes < size;
    if (even && names.includes('total_seconds') && below(even.flash_time_bytes)) reasons.push('the flash takes longer than the link');
    if (even && names.includes('total_joules') && below(even.flash_energy_bytes)) reasons.push('the flash takes more energy than the radio');
    if (even && names.includes('total_joules') && below(even.session_energy_bytes)) reasons.push('setting up takes more energy than the bytes');
    return reasons.length ? `, because ${reasons.join(', and ')}` : '';
  }

  function renderBars() {
    const rows = known(state.pair).sort((a, b) => a.bytes - b.bytes);
    const pair = pairs.get(state.pair);
    const missing = sizes.filter((row) => row.pair === state.pair && row.bytes === null);
    find('bars-text').textContent = missing.length
      ? 'Not measured: ' + missing.map((row) => `${titleOf(row.strategy)} (${STATES[row.state]})`).join(', ') + '.' : '';
    const best = rows[0];
    draw('bars',
      `Bytes to send for ${pair.id}; the new image has ${whole(pair.new_bytes)}. Hollow bars were measured earlier.`,
      `${rows.map((row) => `${titleOf(row.strategy)} ${whole(row.bytes)}`).join(', ')}.`,
      (width) => ({
        marginLeft: width < 600 ? 170 : 230,
        marginRight: width < 600 ? 60 : 150,
        height: 40 + 24 * rows.length,
        x: { axis: null, domain: [0, d3.max(rows, (row) => row.bytes)] },
        y: { domain: rows.map((row) => row.strategy), label: null, tickFormat: titleOf, tickSize: 0 },
        marks: [
          Plot.barX(rows, {
            x: 'bytes', y: 'strategy', insetTop: 2, insetBottom: 2,
            fill: (row) => (row.state === 'table' ? 'none' : colorOf(familyOf(row.strategy))),
            stroke: (row) => colorOf(familyOf(row.strategy)),
            title: (row) => `${titleOf(row.strategy)}: ${whole(row.bytes)} bytes, ${STATES[row.state]} ${row.version}`,
          }),
          Plot.text(rows, {
            x: 'bytes', y: 'strategy', textAnchor: 'start', dx: 5, fill: 'currentColor',
            fontWeight: (row) => (row === best ? 700 : 400),
            text: (row) => (width < 600 ? whole(row.bytes)
              : `${whole(row.bytes)}  ${formatShare(row.share)}${row.state === 'table' ? '  earlier' : ''}`),
          }),
        ],
      }));
  }

  function renderLegend() {
    const families = Object.keys(FAMILIES).filter((family) =>
      sizes.some((row) => row.bytes !== null && familyOf(row.strategy) === family));
    replace('legend', ...families.map((family) => make('span', {}, symbol(family), FAMILIES[family][0])),
      ...(sizes.some((row) => row.state === 'table') ? [make('span', {}, symbol('peer', true), 'hollow: measured earlier')] : []));
  }

  function renderDots() {
    const share = state.sizeAxis === 'share';
    const rows = sizes.filter((row) => row.bytes !== null);
    const x = (row) => (share ? 100 * row.share : row.bytes);
    const spans = report.pairs.flatMap((pair) => {
      const other = bestOther(pair.id);
      return other ? [{ pair: pair.id, from: x(other), to: x(sizeOf.get(key(pair.id, 'libdelta:64k'))) }] : [];
    });
    const order = report.pairs.map((pair) => pair.id)
      .sort((a, b) => sizeOf.get(key(a, 'libdelta:64k')).share - sizeOf.get(key(b, 'libdelta:64k')).share);
    const smaller = spans.filter((span) => span.to < span.from).length;
    draw('dots',
      `Patch size of every way to ship, for ${report.pairs.length} updates. libdelta at 64K is smaller than the smallest other delta in ${smaller} of ${spans.length}.`, '',
      (width) => ({
        marginLeft: width < 600 ? 182 : 220,
        marginTop: 40,
        height: 70 + 24 * order.length,
        x: { type: 'log', grid: true, label: share ? '% of the new image' : 'bytes', tickFormat: (v) => digits(v), axis: 'top',
             ticks: width < 600 ? 4 : undefined },
        y: { domain: order, label: null, tickSize: 0 },
        marks: [
          Plot.ruleY(order, { y: (id) => id, stroke: 'var(--line)' }),
          Plot.ruleY(spans, { y: 'pair', x1: 'to', x2: 'from', stroke: 'var(--ours)', strokeWidth: 3, strokeOpacity: 0.45 }),
          Plot.dot(rows, {
            x, y: 'pair', r: 4.5,
            symbol: (row) => FAMILIES[familyOf(row.strategy)][1],
            stroke: (row) => colorOf(familyOf(row.strategy)),
            fill: (row) => (row.state === 'table' ? 'var(--paper)' : colorOf(familyOf(row.strategy))),
            fillOpacity: 0.85,
            title: (row) => `${row.pair}\n${titleOf(row.strategy)}\n${whole(row.bytes)} bytes, ${formatShare(row.share)}\n${STATES[row.state]} ${row.version}`,
            tip: true,
          }),
        ],
        symbol: { type: 'identity', domain: Object.keys(SYMBOLS) },
      }));
  }

  const formatRam = (bytes) => (bytes >= 1 << 20 ? `${digits(bytes / (1 << 20))} MiB` : bytes >= 1024 ? `${digits(bytes / 1024)} KiB` : `${bytes} B`);

  function renderRam() {
    const pair = pairs.get(state.pair);
    const curve = pair.ram_curve.map(([ram, bytes]) => ({ ram, bytes }));
    const others = known(pair.id).filter((row) => row.ram > 0 && !familyOf(row.strategy).startsWith('ours'));
    const inPlace = sizeOf.get(key(pair.id, 'libdelta:in-place'));
    const labels = [...others.map((row) => ({ ...row, name: titleOf(row.strategy) })),
                    { ...inPlace, name: 'libdelta in place' }];
    const unknown = known(pair.id).filter((row) => row.ram === null).map((row) => titleOf(row.strategy));
    find('ram-unknown').textContent = unknown.length ? `Not in the chart, because what their decoders need is not known: ${unknown.join(', ')}.` : '';
    draw('ram-chart',
      `Patch size of ${pair.id} by the RAM that applying it takes.`,
      `libdelta: ${curve.map((point) => `${formatRam(point.ram)} ${whole(point.bytes)}`).join(', ')}; others: ` +
      others.map((row) => `${titleOf(row.strategy)} ${formatRam(row.ram)} ${whole(row.bytes)}`).join(', ') + '.',
      (width) => ({
        height: 430,
        marginLeft: 60,
        marginBottom: 45,
        insetBottom: 18,
        marginRight: width < 600 ? 20 : 150,
        x: { type: 'log', base: 2, grid: true, label: 'RAM for the update', tickFormat: formatRam,
             domain: [64, 2 ** 27], ticks: width < 600 ? 5 : 12 },
        y: { type: 'log', grid: true, label: 'patch, bytes', tickFormat: (v) => formatBytes(v) },
        symbol: { type: 'identity', domain: Object.keys(SYMBOLS) },
        marks: [
          Plot.line(curve, { x: 'ram', y: 'bytes', stroke: 'var(--ours)', strokeWidth: 2.5 }),
          Plot.dot(curve, { x: 'ram', y: 'bytes', symbol: 'star', fill: 'var(--ours)', r: 4, tip: true,
            title: (point) => `libdelta, two slots\n${formatRam(point.ram)}\n${whole(point.bytes)} bytes` }),
          Plot.text(curve.slice(-1), { x: 'ram', y: 'bytes', text: () => 'libdelta, two slots', dx: 8, textAnchor: 'start', fill: 'var(--ours)', fontWeight: 700 }),
          Plot.dot(labels, {
            x: 'ram', y: 'bytes', r: 5,
            symbol: (row) => FAMILIES[familyOf(row.strategy)][1],
            stroke: (row) => colorOf(familyOf(row.strategy)),
            fill: (row) => (row.state === 'table' ? 'var(--paper)' : colorOf(familyOf(row.strategy))),
            tip: true,
            title: (row) => `${row.name}\n${formatRam(row.ram)}\n${whole(row.bytes)} bytes\n${strategies.get(row.strategy).ram_basis}`,
          }),
          ...(width < 600 ? [] : [true, false].map((above) => Plot.text(labels.filter((row) => isCrowded(row, labels) === above), {
            x: 'ram', y: 'bytes', text: 'name', dx: above ? 4 : 9, dy: above ? -12 : 0, textAnchor: 'start',
            fill: (row) => colorOf(familyOf(row.strategy)),
          }))),
        ],
      }));
  }

  // Whether another mark is where a label to the right would be.
  const isCrowded = (row, rows) => rows.some((other) => other !== row && other.ram >= row.ram &&
    Math.abs(Math.log(other.bytes / row.bytes)) < 0.12 && Math.log(other.ram / row.ram) < 4);

  function renderCosts() {
    const quantity = QUANTITIES[state.quantity];
    const columns = state.columns === 'all' ? pricedStrategies() : keyStrategies();
    const scale = scaleOf(state.quantity);
    const rows = shownProfiles().map((profile) => {
      const full = valueOf(cost('full', profile.id), state.quantity);
      return {
        head: profile.name,
        cells: [
          { text: priceDate(profile) },
          ...columns.map((strategy) => {
            const value = valueOf(cost(strategy.id, profile.id), state.quantity);
            if (value === null) return { text: quantity.none, none: true };
            return { text: quantity.format(value * scale, profile), value, heat: full > 0 ? Math.min(1, value / full) : 0 };
          }),
        ],
      };
    });
    fillTable('costs', `${quantity.title}, ${state.which} case: one update of ${state.pair} on ${scale === 1 ? 'one device' : `${whole(scale)} devices together`}`,
      [{ title: 'Link and plan' }, { title: 'Price of' },
       ...columns.map((strategy) => ({ title: strategy.title, number: true, ours: OURS.includes(strategy.id) }))], rows);
  }

  const EVEN = {
    transfer_seconds: { title: 'time', flash: 'seconds', tick: (v) => (v >= 1 ? `${digits(v)} s` : `${digits(1000 * v)} ms`),
                        limits: { session_time_bytes: 'setting up', flash_time_bytes: 'flash' } },
    radio_joules: { title: 'energy', flash: 'joules', tick: formatJoules,
                    limits: { session_energy_bytes: 'setting up', flash_energy_bytes: 'flash' } },
    billed_bytes: { title: 'billed bytes', flash: null, tick: formatBytes, limits: { rounding_bytes: 'rounding' } },
  };

  function renderEven() {
    const profile = profiles.get(state.evenProfile);
    const quantity = EVEN[state.evenQuantity];
    const pair = pairs.get(state.pair);
    const even = breakEvenOf.get(key(pair.id, state.evenStrategy, profile.id));
    const inPlace = state.evenStrategy === 'libdelta:in-place';
    const flash = pair.flash[inPlace ? 'in_place' : 'whole_slot'];
    const column = report.curve_columns.indexOf(state.evenQuantity);
    const curve = curves.get(profile.id);
    const points = curve.points.map((point) => ({ bytes: point[0], value: point[column] }));
    const patch = sizeOf.get(key(pair.id, state.evenStrategy)).bytes;
    const limits = Object.entries(quantity.limits)
      .filter(([name]) => even[name] !== null && even[name] >= 1)
      .map(([name, what]) => ({ what, bytes: even[name] }));

    const sentences = limits.map(({ what, bytes }) => {
      const verb = what === 'rounding' ? 'all updates are billed alike' : `${what === 'flash' ? 'the flash takes' : 'setting up takes'} more ${quantity.title} than sending the bytes`;
      return `Below ${formatBytes(bytes)}, ${verb}: ${patch < bytes ? `so here, with ${formatBytes(patch)}, a smaller patch would save little.` : `not so with ${formatBytes(patch)}.`}`;
    });
    find('even-text').textContent = points[0].value === null
      ? `The ${quantity.title} of this link is not known.`
      : sentences.join(' ') || `Nothing but bytes matters for ${quantity.title} here.`;
    if (points[0].value === null) {
      replace('even-chart');
    } else {
      drawEven(profile, quantity, points, curve.smallest[column], flash, limits);
    }
    renderEvenTable();
  }

  function drawEven(profile, quantity, points, setUp, flash, limits) {
    const fixed = quantity.flash ? flash[quantity.flash][1] : null;
    const lines = [
      ...points.map((point) => ({ ...point, line: quantity.flash ? 'sending' : 'billed' })),
      ...points.map((point) => ({ bytes: point.bytes, value: setUp, line: quantity.flash ? 'setting up: one byte' : 'least that is billed' })),
      ...(fixed === null ? points.map((point) => ({ bytes: point.bytes, value: point.bytes, line: 'patch' }))
        : points.map((point) => ({ bytes: point.bytes, value: fixed, line: 'flash' }))),
    ].filter((point) => point.value > 0);
    const colors = { sending: 'var(--peer)', billed: 'var(--peer)', patch: 'var(--full)', flash: 'var(--ours)',
                     'setting up: one byte': 'var(--small-peer)', 'least that is billed': 'var(--small-peer)' };
    const dashes = { patch: '2 4', flash: '8 4', 'setting up: one byte': '3 3', 'least that is billed': '3 3' };
    const ways = keyStrategies().map((strategy) => sizeOf.get(key(state.pair, strategy.id)));
    const last = [...d3.group(lines, (point) => point.line).values()].map((line) => line.at(-1));
    const from = points[0].bytes;
    const to = points.at(-1).bytes;
    draw('even-chart',
      `Typical ${quantity.title} on ${profile.name}, by size of the update. The marks at the bottom are the sizes of ${state.pair}.`,
      limits.map(({ what, bytes }) => `Below ${formatBytes(bytes)} most of it is ${what}.`).join(' '),
      (width) => ({
        height: 430, marginLeft: 70, marginRight: width < 600 ? 20 : 170, marginTop: 45, marginBottom: 45, insetBottom: 30,
        x: { type: 'log', grid: true, label: 'size of the update', tickFormat: formatBytes, domain: [from, to], ticks: width < 600 ? 4 : 10 },
        y: { type: 'log', grid: true, label: quantity.title, tickFormat: quantity.tick, ticks: 6 },
        marks: [
          ...Object.keys(colors).map((name) => Plot.line(lines.filter((point) => point.line === name), {
            x: 'bytes', y: 'value', stroke: colors[name], strokeWidth: 2.5, strokeDasharray: dashes[name],
          })),
          ...(width < 600 ? [] : [Plot.text(last, { x: 'bytes', y: 'value', text: 'line', dx: 8, textAnchor: 'start', fill: (point) => colors[point.line], fontWeight: 600 })]),
          Plot.ruleX(limits.filter((limit) => limit.bytes >= from && limit.bytes <= to), { x: 'bytes', stroke: 'currentColor' }),
          Plot.text(limits.filter((limit) => limit.bytes >= from && limit.bytes <= to), {
            x: 'bytes', frameAnchor: 'top', lineAnchor: 'bottom', text: (limit) => `\u2190 ${limit.what}`, textAnchor: 'end', dx: -3, fill: 'currentColor',
          }),
          Plot.dot(ways, { x: 'bytes', frameAnchor: 'bottom', symbol: (row) => FAMILIES[familyOf(row.strategy)][1],
            fill: (row) => colorOf(familyOf(row.strategy)), r: 5, dy: -6, tip: true,
            title: (row) => `${titleOf(row.strategy)}\n${whole(row.bytes)} bytes` }),
          Plot.text(ways.filter((row) => row.strategy === state.evenStrategy || (width >= 600 && row.strategy === 'full')), {
            x: 'bytes', frameAnchor: 'bottom', dy: -18, text: (row) => titleOf(row.strategy), fill: (row) => colorOf(familyOf(row.strategy)) }),
        ],
        symbol: { type: 'identity', domain: Object.keys(SYMBOLS) },
      }));
  }

  const EVEN_COLUMNS = [
    ['rounding_bytes', 'billed alike below'], ['session_time_bytes', 'setting up takes longer below'],
    ['session_energy_bytes', 'setting up takes more energy below'], ['flash_time_bytes', 'flash takes longer below'],
    ['flash_energy_bytes', 'flash takes more energy below'],
  ];

  function renderEvenTable() {
    const patch = sizeOf.get(key(state.pair, state.evenStrategy)).bytes;
    fillTable('even-table',
      `Sizes of updates, typical case. Shaded: above the patch, ${formatBytes(patch)}, so it would cost hardly less if it were smaller.`,
      [{ title: 'Link and plan' }, ...EVEN_COLUMNS.map(([, title]) => ({ title, number: true }))],
      shownProfiles().map((profile) => {
        const even = breakEvenOf.get(key(state.pair, state.evenStrategy, profile.id));
        return {
          head: profile.name,
          cells: EVEN_COLUMNS.map(([name]) => (even[name] === null ? { text: '-', none: true }
            : { text: formatBytes(even[name]), value: even[name], heat: patch < even[name] ? 0.6 : 0 })),
        };
      }));
  }

  function renderWear() {
    const pair = pairs.get(state.pair);
    const { whole_slot: slot, in_place: inPlace } = pair.flash;
    const board = report.board;
    find('wear-text').textContent =
      `On ${board.name}, whose pages stand ${whole(board.endurance_cycles)} erases: an update to a second slot erases each of its pages once, however small the patch. ` +
      `In place, ${inPlace.erases === 0 ? 'nothing' : `${whole(inPlace.erases)} pages`} instead of ${whole(slot.erases)} are erased for ${pair.id}, ` +
      `because pages are first copied to ${board.spare_pages} spare ones so that power may fail; the page erased most, ${inPlace.most_erases_of_a_page} times.`;
    const rows = report.pairs.flatMap((item) => [
      { pair: item.id, way: 'two slots', erases: item.flash.whole_slot.erases, family: 'ours' },
      { pair: item.id, way: 'in place', erases: item.flash.in_place.erases, family: 'ours-in-place' },
    ]);
    const details = rows.map((row) => `${row.pair}, ${row.way}: ${row.erases}`).join('; ');
    draw('wear-chart', 'Pages erased by one update, with two slots (star) and in place (cross).', details, (width) => ({
      marginLeft: width < 600 ? 182 : 220,
      marginBottom: 45,
      height: 60 + 22 * report.pairs.length,
      x: { grid: true, label: 'erased pages' },
      y: { domain: report.pairs.map((item) => item.id), label: null, tickSize: 0 },
      symbol: { type: 'identity', domain: Object.keys(SYMBOLS) },
      marks: [
        Plot.ruleY(report.pairs, { y: 'id', x1: (item) => item.flash.whole_slot.erases, x2: (item) => item.flash.in_place.erases, stroke: 'var(--line)', strokeWidth: 3 }),
        Plot.dot(rows, { x: 'erases', y: 'pair', symbol: (row) => FAMILIES[row.family][1], fill: (row) => colorOf(row.family), r: 5, tip: true,
          title: (row) => `${row.pair}\n${row.way}: ${row.erases} erases` }),
      ],
    }));
    const lines = [
      ['two slots, any delta or full image', slot],
      ['in place', inPlace],
    ];
    const i = CASES.indexOf(state.which);
    fillTable('wear-table', `One update of ${pair.id}; time and energy of the ${state.which} case`,
      [{ title: 'Way' }, ...['erases', 'bytes written', 'erases of the most worn page', 'time', 'energy', 'updates until its endurance ends']
        .map((title) => ({ title, number: true }))],
      lines.map(([head, work]) => ({
        head,
        cells: [
          { text: whole(work.erases), value: work.erases },
          { text: whole(work.programmed_bytes), value: work.programmed_bytes },
          { text: whole(work.most_erases_of_a_page), value: work.most_erases_of_a_page },
          { text: formatSeconds(work.seconds[i]), value: work.seconds[i] },
          { text: formatJoules(work.joules[i]), value: work.joules[i] },
          work.updates_to_end_of_endurance === null ? { text: 'never', none: true }
            : { text: whole(work.updates_to_end_of_endurance), value: work.updates_to_end_of_endurance },
        ],
      })));
  }

  // Lines of who pays: {name, date, currency, full, update, vendor}, for one device.
  function payers() {
    const i = CASES.indexOf(state.which);
    const full = sizeOf.get(key(state.pair, 'full'));
    const update = sizeOf.get(key(state.pair, state.payStrategy));
    const vendors = report.egress.map((egress, k) => ({
      name: `publisher: ${egress.id}`, date: egress.price_date, currency: egress.currency, vendor: true,
      full: full.egress[k][i], update: update.egress[k][i], flat: egress.price_per_month, included: egress.included_gb,
    }));
    const receivers = shownProfiles().map((profile) => ({
      name: profile.name, date: priceDate(profile), currency: profile.plan.currency, vendor: false, current: profile.plan.status === 'current',
      full: valueOf(cost('full', profile.id), 'money'), update: valueOf(cost(state.payStrategy, profile.id), 'money'),
    })).filter((row) => row.full > 0);
    return [...vendors.filter((row) => row.full > 0), ...receivers.sort((a, b) => a.full - b.full)];
  }

  function renderPayers() {
    const rows = payers();
    const fleet = state.fleet;
    const dollars = rows.filter((row) => row.currency === 'USD');
    const marks = dollars.flatMap((row) => [
      { ...row, way: 'full image', money: row.full * fleet, family: 'full' },
      { ...row, way: titleOf(state.payStrategy), money: row.update * fleet, family: familyOf(state.payStrategy) },
    ]);
    const vendor = dollars.find((row) => row.vendor);
    const worst = dollars.filter((row) => row.current).at(-1);
    const flat = report.egress.filter((egress) => egress.price_per_month > 0)
      .map((egress) => `${egress.id}: ${digits(egress.price_per_month)} ${egress.currency} a month, up to ${whole(egress.included_gb)} GB`);
    find('pay-text').textContent = (vendor && worst
      ? `For ${whole(fleet)} devices, publishing the full image costs ${formatMoney(vendor.full * fleet, 'USD')} at ${vendor.name.slice(11)}; ` +
        `receiving it costs ${formatMoney(worst.full * fleet, 'USD')} on ${worst.name}, the dearest of these plans that can be had today (price of ${year(worst.date)}). ` +
        `As ${titleOf(state.payStrategy)}: ${formatMoney(vendor.update * fleet, 'USD')} and ${formatMoney(worst.update * fleet, 'USD')}. ` : '') +
      'Free allowances are not taken off.' + (flat.length ? ` Flat plans: ${flat.join('; ')}.` : '');
    draw('pay-chart',
      `Sum over ${whole(fleet)} devices, in USD, ${state.which} case: what the publisher and what all receivers pay. ` +
      'Each plan as if all devices were on it; other currencies are in the table.', '',
      (width) => ({
        marginLeft: width < 600 ? 175 : 340,
        marginBottom: 45,
        height: 60 + 26 * dollars.length,
        x: { type: 'log', grid: true, label: 'USD, all devices', tickFormat: (v) => (v >= 1000 ? d3.format('.0s')(v) : digits(v)), ticks: width < 600 ? 4 : 10 },
        y: { domain: dollars.map((row) => row.name), label: null, tickSize: 0,
             tickFormat: (name) => { const row = dollars.find((item) => item.name === name); return width < 600 ? name : `${name} (${row.vendor ? year(row.date) : row.date})`; } },
        symbol: { type: 'identity', domain: Object.keys(SYMBOLS) },
        marks: [
          Plot.ruleY(dollars, { y: 'name', x1: (row) => row.full * fleet, x2: (row) => row.update * fleet,
            stroke: (row) => (row.vendor ? 'var(--peer)' : 'var(--line)'), strokeWidth: 4, strokeOpacity: 0.6 }),
          Plot.dot(marks, { x: 'money', y: 'name', symbol: (row) => FAMILIES[row.family][1], fill: (row) => colorOf(row.family), r: 5.5, tip: true,
            title: (row) => `${row.name} (${row.date})\n${row.way}\n${formatMoney(row.money, row.currency)}` }),
        ],
      }));
    fillTable('pay-table', `Sum over ${whole(fleet)} devices, ${state.which} case`,
      [{ title: 'Who' }, { title: 'Price of' }, { title: 'full image', number: true }, { title: titleOf(state.payStrategy), number: true, ours: true },
       { title: 'saved', number: true }],
      rows.map((row) => ({
        head: row.name,
        cells: [
          { text: row.date || 'undated' },
          { text: formatMoney(row.full * fleet, row.currency), value: row.full * fleet },
          { text: formatMoney(row.update * fleet, row.currency), value: row.update * fleet },
          { text: formatMoney((row.full - row.update) * fleet, row.currency), value: (row.full - row.update) * fleet },
        ],
      })));
  }

  // --- all figures ---------------------------------------------------------------------------------

  const PAGE = 100;
  const view = { sort: null, descending: false, shown: PAGE };

  function dataset() {
    switch (state.dataset) {
      case 'sizes': {
        const columns = report.sizes.columns.slice(0, -1);
        return { columns, rows: report.sizes.rows.map((row) => row.slice(0, -1)) };
      }
      case 'costs': return report.costs;
      case 'break_even': return report.break_even;
      default: {
        const columns = ['pair', 'way', 'erases', 'programmed_bytes', 'most_erases_of_a_page', 'seconds_low', 'seconds_typical', 'seconds_high',
                         'joules_low', 'joules_typical', 'joules_high', 'wear_share'];
        return {
          columns,
          rows: report.pairs.flatMap((pair) => Object.entries(pair.flash).map(([way, work]) => [
            pair.id, way, work.erases, work.programmed_bytes, work.most_erases_of_a_page, ...work.seconds, ...work.joules, work.wear_share])),
        };
      }
    }
  }

  function selectedRows() {
    const { columns, rows } = dataset();
    const words = (state.filter ?? '').toLowerCase().split(/\s+/).filter((word) => word);
    const found = rows.filter((row) => words.every((word) =>
      row.some((value) => typeof value === 'string' && value.toLowerCase().includes(word))));
    if (view.sort !== null) {
      const i = columns.indexOf(view.sort);
      // Empty values come last, whatever the direction.
      found.sort((a, b) => (a[i] === null) - (b[i] === null) || (view.descending ? -1 : 1) * d3.ascending(a[i], b[i]));
    }
    return { columns, rows: found, all: rows.length };
  }

  function renderData() {
    const { columns, rows, all } = selectedRows();
    const isNumber = columns.map((_, i) => rows.some((row) => typeof row[i] === 'number'));
    const head = columns.map((name, i) => {
      const button = make('button', { type: 'button' }, name.replaceAll('_', ' '));
      button.addEventListener('click', () => {
        view.descending = view.sort === name && !view.descending;
        view.sort = name;
        renderData();
        find('data').querySelectorAll('th button')[i].focus();
      });
      const sorted = view.sort === name ? (view.descending ? 'descending' : 'ascending') : 'none';
      const arrow = view.sort === name ? (view.descending ? ' \u2193' : ' \u2191') : '';
      return make('th', { scope: 'col', 'aria-sort': sorted, class: isNumber[i] ? 'number' : null }, button, arrow);
    });
    const body = rows.slice(0, view.shown).map((row) => make('tr', {}, ...row.map((value, i) => {
      const text = value === null ? '' : String(value);
      return i === 0 ? make('th', { scope: 'row' }, text) : make('td', { class: isNumber[i] ? null : 'text', 'data-value': value }, text);
    })));
    replace('data', make('thead', {}, make('tr', {}, ...head)), make('tbody', {}, ...body));
    find('data-text').textContent = `${whole(Math.min(view.shown, rows.length))} of ${whole(rows.length)} lines shown` +
      (rows.length === all ? '.' : `, out of ${whole(all)}.`);
    find('more').hidden = rows.length <= view.shown;
  }

  function csv() {
    const { columns, rows } = selectedRows();
    const field = (value) => {
      const text = value === null ? '' : String(value);
      return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    return [columns, ...rows].map((row) => row.map(field).join(',') + '\n').join('');
  }

  function download() {
    const link = make('a', { href: URL.createObjectURL(new Blob([csv()], { type: 'text/csv' })), download: `${state.dataset}.csv` });
    link.click();
    URL.revokeObjectURL(link.href);
  }

  // --- methods -------------------------------------------------------------------------------------

  function renderMethods() {
    fillTable('profile-table', 'Every link and plan of this report',
      ['Link and plan', 'Paid by', 'Plan', 'Price of', 'Confidence in it', 'Link', 'Confidence in it'].map((title) => ({ title })),
      report.profiles.map(({ id, name, plan, link }) => ({
        head: `${id} ${name}`,
        cells: [plan.payer.replaceAll('_', ' '), plan.name, plan.price_date ? `${plan.price_date}, ${plan.status}` : '-', plan.confidence,
                link.name, link.confidence].map((text) => ({ text })),
      })));
    const notes = ({ basis, note, assumptions, sources }) => [
      ...(basis ? [`Found: ${basis}.`] : []), ...(note ? [`${note}.`] : []),
      ...(assumptions?.length ? [`By field: ${assumptions.join('; ')}.`] : []),
      ...(sources.length ? [`Sources: ${sources.join(', ')}.`] : ['No source.'])].join(' ');
    const unique = (name) => [...byId(report.profiles.map((profile) => profile[name])).values()];
    replace('profile-notes', ...[...unique('plan'), ...unique('link')].flatMap((item) =>
      [make('dt', {}, item.name), make('dd', {}, notes(item))]));
    fillTable('pair-table', 'Every pair of images; SHA-256 of packages and images are in bench/corpus.tsv',
      ['Firmware', 'Package', 'Old version', 'New version', 'Instruction set', 'Kind of release', 'Old image', 'New image']
        .map((title, i) => ({ title, number: i > 5 })),
      report.pairs.map((pair) => ({
        head: pair.id,
        cells: [
          ...(pair.package ? [`${pair.source}: ${pair.package}`, pair.old_version, pair.new_version] : ['generated', '-', '-']).map((text) => ({ text })),
          { text: pair.isa }, { text: pair.kind }, { text: whole(pair.old_bytes), value: pair.old_bytes }, { text: whole(pair.new_bytes), value: pair.new_bytes },
        ],
      })));
    const quantity = (item, value) => (item.quantity === 'seconds' ? formatSeconds(value) : `${digits(value)} ${item.quantity}`);
    fillTable('validation-table', 'The model against what was observed in the field; no prediction uses a speed measured in the same transfer',
      ['Observation', 'Update', 'Observed', 'Predicted', 'Error', 'What the prediction is made of', 'Source']
        .map((title, i) => ({ title, number: i > 0 && i < 5 })),
      report.validation.map((item) => ({
        head: item.what,
        cells: [
          { text: formatBytes(item.update_bytes), value: item.update_bytes },
          { text: [...new Set(item.observed.map((value) => quantity(item, value)))].join(' to ') },
          { text: quantity(item, item.predicted), value: item.predicted },
          { text: `${item.error >= 0.005 ? '+' : ''}${Math.round(100 * item.error) || 0} %`, value: item.error },
          { text: item.inputs + (item.inputs_from_same_log ? ' (round trip from the same log)' : '') },
          { text: [item.source.title, item.source.date].filter((text) => text).join(', ') },
        ],
      })));
    const programs = report.strategies.filter((strategy) => !strategy.family.startsWith('ours') && strategy.id !== 'full');
    fillTable('program-table', 'What was compared, and in how many pairs',
      ['Program and mode', 'Version', 'Measured', 'Earlier', 'Missing', 'Failed', 'RAM it needs'].map((title, i) => ({ title, number: i > 1 && i < 6 })),
      programs.map((strategy) => {
        const rows = sizes.filter((row) => row.strategy === strategy.id);
        const count = (name) => { const n = rows.filter((row) => row.state === name).length; return { text: whole(n), value: n }; };
        const versions = [...new Set(rows.map((row) => row.version).filter((version) => version))];
        return {
          head: strategy.title,
          cells: [{ text: versions.join(', ') || '-' }, count('measured'), count('table'), count('missing'), count('failed'),
                  { text: strategy.ram_basis || 'not known' }],
        };
      }));
    const board = report.board;
    find('board-text').textContent = `${board.name}: ${board.description}. ${formatRam(board.ram)} of RAM for updates in place, ` +
      `${board.spare_pages} spare pages of ${formatRam(board.page_bytes)}, ${whole(board.endurance_cycles)} erases guaranteed. ${board.spread_basis}`;
    replace('board-sources', ...Object.entries(board.sources).map(([field, text]) => make('li', {}, `${field}: ${text}`)));
    const list = (rules) => rules.map((rule) => make('li', {}, `${rule.who}: ${rule.text} (${rule.sources.join(', ')})`));
    replace('rules', ...list(report.rounding_rules));
    replace('not-practical', ...list(report.not_practical));
    replace('source-list', ...Object.entries(report.sources).flatMap(([name, source]) => [
      make('dt', { id: `source-${name}` }, `${name}: ${source.title}`),
      make('dd', {}, [source.date, source.quality, source.note].filter((text) => text).join('; '), ' ',
        ...(/^https?:/.test(source.url) ? [make('a', { href: source.url, rel: 'noreferrer' }, source.url)] : [source.url])),
    ]));
  }

  // --- controls ------------------------------------------------------------------------------------

  const SECTIONS = {
    short: [renderCards, renderRatios], sizes: [renderBars, renderDots], ram: [renderRam], matrix: [renderCosts], even: [renderEven],
    wear: [renderWear], payers: [renderPayers], tables: [renderData],
  };
  // Which sections a control changes; the others are of all of them.
  const AFFECTS = {
    pair: ['short', 'sizes', 'ram', 'matrix', 'even', 'wear', 'payers'], which: ['matrix', 'wear', 'payers'],
    profiles: ['short', 'matrix', 'even', 'payers'], shortStrategy: ['short'], sizeAxis: ['sizes'], quantity: ['matrix'],
    columns: ['matrix'], devices: ['matrix'], evenProfile: ['even'], evenQuantity: ['even'], evenStrategy: ['even'], fleet: ['payers'], fleetLog: ['payers'],
    payStrategy: ['payers'], dataset: ['tables'], filter: ['tables'],
  };
  const render = (names) => names.forEach((name) => SECTIONS[name].forEach((section) => section()));

  function options(name, items, selected) {
    const select = document.querySelector(`select[name="${name}"]`);
    select.replaceChildren(...items.map(([value, text]) => make('option', { value }, text)));
    if (items.some(([value]) => value === selected)) select.value = selected;
  }

  function changed({ target }) {
    const { name } = target;
    if (!AFFECTS[name]) return;
    if (name === 'fleetLog') {
      state.fleet = Number((10 ** Number(target.value)).toPrecision(2));
      document.querySelector('[name="fleet"]').value = state.fleet;
    } else if (name === 'fleet') {
      const devices = Math.floor(Number(target.value));
      if (!(devices >= 1 && devices <= 1e9)) return;
      state.fleet = devices;
      document.querySelector('[name="fleetLog"]').value = Math.log10(devices);
    } else {
      state[name] = target.value;
    }
    if (name === 'dataset' || name === 'filter') {
      view.shown = PAGE;
      if (name === 'dataset') view.sort = null;
    }
    render(AFFECTS[name]);
    if (target.form?.id === 'controls') find('announce').textContent = `Now showing ${state.pair}, ${state.which} case.`;
  }

  function start() {
    const favourite = pairs.has('pyb-primehub-7.27.0-7.28.0') ? 'pyb-primehub-7.27.0-7.28.0' : pairs.has('point-96k') ? 'point-96k' : report.pairs[0].id;
    options('pair', report.pairs.map((pair) => [pair.id, `${pair.id} (${pair.isa}, ${pair.kind}, ${formatBytes(pair.new_bytes)})`]), favourite);
    const ours = OURS.map((id) => [id, titleOf(id)]);
    options('shortStrategy', ours, 'libdelta:64k');
    options('payStrategy', report.strategies.filter((strategy) => strategy.id !== 'full' && strategy.family !== 'in-place-peer' &&
      report.pairs.every((pair) => sizeOf.get(key(pair.id, strategy.id)).bytes !== null)).map(({ id, title }) => [id, title]), 'libdelta:64k');
    options('evenProfile', report.profiles.map((profile) => [profile.id, profile.name]), 'P27');
    for (const control of document.querySelectorAll('select, input')) {
      if (control.type === 'radio') {
        if (control.checked) state[control.name] = control.value;
      } else if (control.name === 'fleet') {
        state.fleet = Number(control.value);
      } else {
        state[control.name] = control.value;
      }
    }
    document.addEventListener('change', changed);
    document.addEventListener('input', (event) => {
      if (['range', 'search'].includes(event.target.type)) changed(event);
    });
    find('controls').addEventListener('submit', (event) => event.preventDefault());
    find('download').addEventListener('click', download);
    find('more').addEventListener('click', () => { view.shown += 5 * PAGE; renderData(); });
    // Paper cannot be opened.
    window.addEventListener('beforeprint', () => document.querySelectorAll('details').forEach((details) => { details.open = true; }));
    let resized;
    let width = window.innerWidth;
    window.addEventListener('resize', () => {
      if (window.innerWidth === width) return;
      width = window.innerWidth;
      clearTimeout(resized);
      resized = setTimeout(() => render(['sizes', 'ram', 'even', 'wear', 'payers']), 150);
    });
    renderLead();
    renderLegend();
    render(Object.keys(SECTIONS));
    renderMethods();
  }
  start();
})();
