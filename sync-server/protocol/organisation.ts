/**
 * The office's organisation: the vice president, eight departments with six roles each (48 agents), and the standing
 * councils. Facts only; what an agent is told to do with them is written in the agents' prompts.
 */
export const VICE_PRESIDENT = { id: 'daena', name: 'Daena', title: 'AI Vice President', colour: '#D4AF37' } as const;

export const ROLES = [
  {
    key: 'advisor_a',
    name: 'Senior Advisor',
    does: 'strategic planning, executive recommendations, high-level decisions',
  },
  { key: 'advisor_b', name: 'Strategy Advisor', does: 'tactical advice, process optimisation, operational guidance' },
  { key: 'scout_internal', name: 'Internal Scout', does: 'internal analysis, resource assessment, team coordination' },
  { key: 'scout_external', name: 'External Scout', does: 'market research, competitor analysis, trend monitoring' },
  { key: 'synth', name: 'Knowledge Synthesizer', does: "synthesis, reports; the department's spokesperson" },
  { key: 'executor', name: 'Action Executor', does: 'action, task completion, implementation' },
] as const;

export type RoleKey = (typeof ROLES)[number]['key'];

/** The role that speaks for its department. */
export const SPOKESPERSON = 'synth' satisfies RoleKey;

/** `agents` holds one name per role, in the order of `ROLES`. */
export const DEPARTMENTS = [
  {
    slug: 'engineering',
    name: 'Engineering & Technology',
    colour: '#4169E1',
    about: 'Technical development and infrastructure',
    expertise: 'software, infrastructure, DevOps, code review, architecture',
    agents: ['Alex CodeMaster', 'Emma BuildPro', 'Noah DevOps', 'Sophia TechLead', 'Liam Backend', 'Olivia Frontend'],
  },
  {
    slug: 'product',
    name: 'Product & Innovation',
    colour: '#9370DB',
    about: 'Product strategy and roadmap',
    expertise: 'strategy, roadmaps, UX, prioritisation, user research',
    agents: ['Ava Strategy', 'Ethan Roadmap', 'Mia ProductViz', 'Lucas Innovator', 'Amelia UXMaster', 'Mason Metrics'],
  },
  {
    slug: 'sales',
    name: 'Sales & Business Development',
    colour: '#22C55E',
    about: 'Revenue and client acquisition',
    expertise: 'acquisition, closing, pipeline, revenue',
    agents: [
      'Morgan Closer',
      'Charlotte Deal',
      'Benjamin Revenue',
      'Harper Pipeline',
      'Logan ClientPro',
      'Ella Convert',
    ],
  },
  {
    slug: 'marketing',
    name: 'Marketing & Brand',
    colour: '#FF6B6B',
    about: 'Brand, campaigns, and growth',
    expertise: 'brand, campaigns, growth, content, SEO and SEM',
    agents: ['DaVinci Creative', 'Sofia Brand', 'Jackson Campaign', 'Aria Growth', 'Carter SEO', 'Layla Social'],
  },
  {
    slug: 'finance',
    name: 'Finance & Accounting',
    colour: '#00CED1',
    about: 'Financial planning and accounting',
    expertise: 'planning, budgeting, forecasting, accounting, investment',
    agents: ['Penny Wise', 'Sebastian Budget', 'Chloe Analytics', 'Oliver Forecast', 'Zoe Accounting', 'Henry Capital'],
  },
  {
    slug: 'hr',
    name: 'Human Resources',
    colour: '#E91E7F',
    about: 'People, culture, and talent',
    expertise: 'talent, culture, training, benefits, organisation development',
    agents: [
      'Scarlett People',
      'Daniel Culture',
      'Grace Talent',
      'Matthew Recruiter',
      'Lily Learning',
      'Owen Benefits',
    ],
  },
  {
    slug: 'legal',
    name: 'Legal & Compliance',
    colour: '#8B5CF6',
    about: 'Compliance, contracts, and IP',
    expertise: 'contracts, compliance, IP, risk, regulation',
    agents: ['Sarah Shield', 'William Contracts', 'Victoria Compliance', 'James Policy', 'Hannah IP', 'Ryan Risk'],
  },
  {
    slug: 'customer',
    name: 'Customer Success',
    colour: '#10B981',
    about: 'Customer success and support',
    expertise: 'success, tickets, retention, satisfaction, onboarding',
    agents: [
      'Felix Support',
      'Evelyn Success',
      'Michael Advocate',
      'Abigail Solutions',
      'Alexander Helper',
      'Emily Happiness',
    ],
  },
] as const;

export type Department = (typeof DEPARTMENTS)[number];

/** The standing councils; `experts` are [name, what they are]. */
export const STANDING_COUNCILS = [
  {
    slug: 'finance',
    name: 'Finance Council',
    colour: '#00CED1',
    about: 'Global economic strategy and investment wisdom',
    experts: [
      ['The Oracle', 'Value investor'],
      ['The Macro', 'Macro economist'],
      ['The Quant', 'Algorithmic trader'],
      ['The Venture', 'Venture strategist'],
      ['The Crypto', 'Decentralised-finance expert'],
    ],
  },
  {
    slug: 'tech',
    name: 'Tech Council',
    colour: '#4169E1',
    about: 'Technological innovation and future systems',
    experts: [
      ['The Architect', 'Systems architect'],
      ['The Visionary', 'AI futurist'],
      ['The Builder', 'Software engineer'],
      ['The Product', 'Product designer'],
      ['The Hacker', 'Security expert'],
    ],
  },
  {
    slug: 'strategy',
    name: 'Strategy Council',
    colour: '#9370DB',
    about: 'Business strategy and competitive intelligence',
    experts: [
      ['The Strategist', 'Competitive analyst'],
      ['The Disruptor', 'Innovation lead'],
      ['The Executor', 'Operations expert'],
      ['The Growth', 'Growth strategist'],
      ['The Pivot', 'Turnaround specialist'],
    ],
  },
  {
    slug: 'psychology',
    name: 'Psychology Council',
    colour: '#FF6B6B',
    about: 'Human behaviour and organisational dynamics',
    experts: [
      ['The Behaviorist', 'Behavioural economist'],
      ['The Motivator', 'Leadership coach'],
      ['The Communicator', 'Communication expert'],
      ['The Mindset', 'Growth-mindset coach'],
      ['The Flow', 'Performance psychologist'],
    ],
  },
] as const;

/** Who can be addressed and can answer. Ids: `daena`, `<department>/<role>`, `council/<council>/<seat>`, `council/<council>/chair`. */
export interface Agent {
  readonly id: string;
  readonly name: string;
  /** What the agent is, for a person: "Knowledge Synthesizer". */
  readonly title: string;
  readonly colour: string;
  readonly kind: 'vice-president' | 'department' | 'council';
  /** The department's or council's slug; null for the vice president. */
  readonly group: string | null;
  /** The role key, the seat's id, or `chair`; null for the vice president. */
  readonly role: string | null;
  /** What it knows or protects, for prompts and tooltips. */
  readonly expertise: string;
}

export interface CouncilSeat {
  readonly id: string;
  readonly name: string;
  readonly title: string;
}

export interface Council {
  readonly id: string;
  readonly name: string;
  readonly colour: string;
  readonly about: string;
  readonly seats: readonly CouncilSeat[];
}

/** Prefix of a department's council: `dept-finance`. */
const DEPARTMENT_COUNCIL = 'dept-';

const daena: Agent = {
  id: VICE_PRESIDENT.id,
  name: VICE_PRESIDENT.name,
  title: VICE_PRESIDENT.title,
  colour: VICE_PRESIDENT.colour,
  kind: 'vice-president',
  group: null,
  role: null,
  expertise: 'the whole office: its eight departments, priorities, decisions and who should be asked',
};

/** A department's six agents, in the order of the roles. */
export function agentsOf(department: Department): readonly Agent[] {
  return ROLES.map((role, index) => ({
    id: `${department.slug}/${role.key}`,
    name: department.agents[index] ?? role.name,
    title: role.name,
    colour: department.colour,
    kind: 'department',
    group: department.slug,
    role: role.key,
    expertise: `${role.does}; ${department.expertise}`,
  }));
}

/** Daena and the 48 department agents: everyone who can be mentioned. */
export const AGENTS: readonly Agent[] = [daena, ...DEPARTMENTS.flatMap(agentsOf)];

/** The standing councils, then one for each department, seated by its six roles. */
export const COUNCILS: readonly Council[] = [
  ...STANDING_COUNCILS.map((council) => ({
    id: council.slug,
    name: council.name,
    colour: council.colour,
    about: council.about,
    seats: council.experts.map(([name, title]) => ({ id: name.replace(/^The /, '').toLowerCase(), name, title })),
  })),
  ...DEPARTMENTS.map((department) => ({
    id: `${DEPARTMENT_COUNCIL}${department.slug}`,
    name: `${department.name} Council`,
    colour: department.colour,
    about: department.about,
    seats: agentsOf(department).map((agent) => ({ id: agent.role ?? agent.id, name: agent.name, title: agent.title })),
  })),
];

const departmentsBySlug = new Map<string, Department>(DEPARTMENTS.map((department) => [department.slug, department]));
const councilsById = new Map(COUNCILS.map((council) => [council.id, council]));
const agentsById = new Map(AGENTS.map((agent) => [agent.id, agent]));
for (const council of COUNCILS) for (const agent of councilAgents(council)) agentsById.set(agent.id, agent);

export const departmentOf = (slug: string): Department | undefined => departmentsBySlug.get(slug);
export const councilOf = (id: string): Council | undefined => councilsById.get(id);
/** Any agent by its id, council seats and chairs included. */
export const agentOf = (id: string): Agent | undefined => agentsById.get(id);

/** The agent id of a council's seat, or of its chair (`seat` = `chair`). */
export function seatAgentId(councilId: string, seat: string): string {
  return `council/${councilId}/${seat}`;
}

function councilAgents(council: Council): readonly Agent[] {
  const shared = { colour: council.colour, kind: 'council', group: council.id } as const;
  return [
    ...council.seats.map((seat) => ({
      ...shared,
      id: seatAgentId(council.id, seat.id),
      name: seat.name,
      title: seat.title,
      role: seat.id,
      expertise: `${seat.title}; ${council.about}`,
    })),
    {
      ...shared,
      id: seatAgentId(council.id, 'chair'),
      name: 'The Chair',
      title: `Chair of the ${council.name}`,
      role: 'chair',
      expertise: 'weighing positions fairly and stating a decision that can be audited',
    },
  ];
}
