import type { NamedTerm } from './mechanisms/term-search'

/**
 * Words of export-controlled defence work, by where they are controlled.
 *
 * Markings as agencies and contractors write them (22 CFR 120 to 130; DoD Instruction 5230.24 distribution statements;
 * 15 CFR 730 to 774). Articles by category of the United States Munitions List (22 CFR 121.1) and by the 600 series of the
 * Commerce Control List (15 CFR 774, supplement 1). Chosen to be specific: everyday words such as "rifle" or "satellite"
 * are left out, so a text that only talks about such things in general is not stopped. A list is no classification.
 */
const BY_RULE: Readonly<Record<string, readonly string[]>> = {
  'itar.marking': [
    'itar controlled',
    'itar-controlled',
    'itar restricted',
    'itar-restricted',
    'subject to the itar',
    'subject to itar',
    'international traffic in arms regulations',
    'itar technical data',
    'export controlled information',
    'export-controlled technical data',
    'usml category',
    'united states munitions list',
    'warning - this document contains technical data whose export is restricted',
    'arms export control act',
    'technical assistance agreement',
    'manufacturing license agreement',
    'distribution statement b',
    'distribution statement c',
    'distribution statement d',
    'distribution statement e',
    'distribution statement f',
    'noforn',
  ],
  'ear.marking': [
    'ear controlled',
    'ear-controlled',
    'subject to the ear',
    'export administration regulations',
    'commerce control list',
    '600 series item',
    'deemed export',
  ],
  'itar.usml_i': ['fully automatic firearm conversion', 'sound suppressor design', 'auto sear'],
  'itar.usml_iii': [
    'armor-piercing ammunition',
    'armor piercing projectile',
    'depleted uranium penetrator',
    'caseless ammunition',
  ],
  'itar.usml_iv': [
    'ballistic missile guidance',
    'missile guidance system',
    'cruise missile guidance',
    'reentry vehicle',
    're-entry vehicle design',
    'solid rocket motor design',
    'anti-tank guided missile',
    'man-portable air defense system',
    'manpads',
    'thrust vector control',
    'missile seeker head',
  ],
  'itar.usml_v': [
    'military explosive formulation',
    'hexanitrohexaazaisowurtzitane',
    'solid propellant grain',
    'ammonium perchlorate composite propellant',
    'warhead fuze design',
  ],
  'itar.usml_vi': ['submarine propulsion', 'naval nuclear propulsion', 'hull acoustic quieting'],
  'itar.usml_vii': ['reactive armor', 'explosive reactive armour', 'chobham armor'],
  'itar.usml_viii': ['military aircraft flight control', 'stealth aircraft design', 'weapons release system'],
  'itar.usml_x': ['ballistic insert level iv design', 'military exoskeleton'],
  'itar.usml_xi': [
    'electronic warfare system',
    'radar jamming technique',
    'military cryptographic device',
    'low probability of intercept radar',
  ],
  'itar.usml_xii': [
    'military fire control',
    'night vision focal plane array',
    'third generation image intensifier',
    'infrared focal plane array',
    'laser target designator',
  ],
  'itar.usml_xiii': ['radar absorbing material', 'radar-absorbent coating', 'signature reduction coating'],
  'itar.usml_xiv': [
    'nerve agent synthesis',
    'chemical warfare agent',
    'biological warfare agent',
    'blister agent dispersal',
  ],
  'itar.usml_xv': ['anti-jam gps', 'military satellite payload', 'space-qualified atomic clock'],
  'itar.usml_xvi': ['nuclear weapon design', 'nuclear weapon effects simulation', 'plutonium pit'],
  'itar.usml_xviii': ['directed energy weapon', 'high-power microwave weapon'],
  'itar.usml_xx': ['swimmer delivery vehicle'],
}

export const ITAR_EAR_TERMS: readonly NamedTerm[] = Object.entries(BY_RULE).flatMap(([rule, texts]) =>
  texts.map((text) => ({ rule, text })),
)
