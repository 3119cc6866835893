import type { NamedTerm } from './mechanisms/term-search'

/**
 * Goods and know-how with civil and military use, by category of the lists that control them: Commerce Control List (15 CFR
 * 774, supplement 1) and Annex I of Regulation (EU) 2021/821, which share their numbering; chemicals as in the Australia
 * Group's list of precursors. Chosen to be specific; a list is no classification.
 */
const BY_RULE: Readonly<Record<string, readonly string[]>> = {
  'dual_use.0_nuclear': [
    'gas centrifuge',
    'uranium enrichment',
    'centrifuge cascade',
    'uranium hexafluoride',
    'laser isotope separation',
    'weapons-grade uranium',
    'highly enriched uranium',
    'plutonium reprocessing',
    'heavy water production',
    'nuclear-grade graphite',
  ],
  'dual_use.1_materials': [
    'maraging steel',
    'thiodiglycol',
    'methylphosphonyl difluoride',
    'methylphosphonyl dichloride',
    'pinacolyl alcohol',
    'phosphorus oxychloride',
    'dimethyl methylphosphonate',
    'quinuclidinol',
    'chemical weapons precursor',
    'weaponized anthrax',
    'gain-of-function pathogen',
    'pathogen aerosolization',
    'ricin extraction',
    'botulinum toxin production',
    'beryllium metal',
    'boron-10 enriched',
  ],
  'dual_use.2_processing': [
    'five-axis simultaneous contouring',
    'isostatic press',
    'flow-forming machine',
    'chemical-resistant reactor vessel',
    'fermenter cross-flow filtration',
  ],
  'dual_use.3_electronics': [
    'krytron',
    'triggered spark gap',
    'radiation-hardened integrated circuit',
    'frequency changer for centrifuge',
    'high-speed pulse generator for detonators',
  ],
  'dual_use.5_cryptanalysis': [
    'cryptanalytic system',
    'intrusion software',
    'ip network communications surveillance system',
    'lawful interception bypass',
  ],
  'dual_use.6_sensors': [
    'hydrophone array',
    'hyperspectral imaging sensor',
    'streak camera',
    'flash x-ray generator',
    'synthetic aperture radar design',
  ],
  'dual_use.7_navigation': [
    'inertial navigation system design',
    'ring laser gyroscope',
    'terrain contour matching',
    'star tracker for missiles',
  ],
  'dual_use.8_marine': ['air-independent propulsion', 'unmanned submersible sonar'],
  'dual_use.9_propulsion': [
    'scramjet engine',
    'ramjet engine',
    'missile technology control regime',
    'rocket staging mechanism',
    'turbopump for liquid propellant',
    'hypersonic glide vehicle',
  ],
}

export const DUAL_USE_TERMS: readonly NamedTerm[] = Object.entries(BY_RULE).flatMap(([rule, texts]) =>
  texts.map((text) => ({ rule, text })),
)
