// Answers cases on standard input with @cloud-copilot/iam-simulate (AGPL-3.0),
// which run.sh installs outside of this repository and runs as its own process.
import { createRequire } from 'node:module'
import readline from 'node:readline'

const require = createRequire(process.cwd() + '/')
const { runSimulation, anonymousPrincipal } = require('@cloud-copilot/iam-simulate')

const decisions = { Allowed: 'allowed', ExplicitlyDenied: 'explicitly_denied', ImplicitlyDenied: 'implicitly_denied' }
const named = (list) => (list ?? []).map((policy, i) => ({ name: String(i), policy }))
const levels = (list) => (list ?? []).map((level, i) => ({ orgIdentifier: String(i), policies: named(level) }))

const types = { root: 'Account', user: 'User', role: 'AssumedRole', 'assumed-role': 'AssumedRole', 'federated-user': 'FederatedUser' }

// It leaves deriving these keys to its caller.
function context(c) {
  const keys = { 'aws:ResourceAccount': c.account }
  const arn = /^arn:([^:]*):(iam|sts)::(\d+):(.*)$/.exec(c.principal)
  if (arn && !c.principal.includes(':oidc-provider/')) { // whose users' requests are not signed
    const [kind, name] = arn[4].split('/')
    keys['aws:PrincipalArn'] = kind === 'assumed-role' ? `arn:${arn[1]}:iam::${arn[3]}:role/${name}` : c.principal
    keys['aws:PrincipalAccount'] = arn[3]
    keys['aws:PrincipalIsAWSService'] = 'false'
    keys['aws:PrincipalType'] = types[kind]
    if (kind === 'user') keys['aws:username'] = name
  } else if (c.principal === '*') {
    keys['aws:PrincipalAccount'] = 'anonymous'
    keys['aws:PrincipalType'] = 'Anonymous'
  } else if (!arn) {
    keys['aws:PrincipalIsAWSService'] = 'true'
  }
  return { ...keys, ...c.context }
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const c = JSON.parse(line)
  const result = await runSimulation(
    {
      request: {
        principal: c.principal === '*' ? anonymousPrincipal : c.principal,
        action: c.action,
        resource: { resource: c.resource, accountId: c.account },
        contextVariables: context(c),
      },
      identityPolicies: named(c.identity),
      resourcePolicy: c.resource_policy,
      sessionPolicy: c.session,
      permissionBoundaryPolicies: c.boundary && named(c.boundary),
      serviceControlPolicies: levels(c.scp),
      resourceControlPolicies: levels(c.rcp),
    },
    {},
  )
  const ignored = (result.result?.ignoredContextKeys ?? []).filter((k) => !k.startsWith('aws:R') && !k.startsWith('aws:Principal'))
  const answer = result.resultType === 'error' ? { error: result.errors } : { decision: decisions[result.overallResult], ignored }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
