metadata description = 'What wakes a person: messages that no function could handle, a checker that did not run, silent agents, failing requests.'

param prefix string
param location string
param tags object
param insightsId string

@description('Who is told.')
param mailAddresses array

// The app logs one JSON object a line (functions/logs.py).
var lines = 'traces | extend line = parse_json(message)'
var raised = '${lines} | where line.event == "alert.raised"'

var rules = [
  {
    name: 'poison-messages'
    text: 'A queue message failed five times. Runbook: "A message that nothing can handle".'
    severity: 1
    every: 'PT5M'
    window: 'PT15M'
    above: 0
    query: '${raised} | where line.code == "dispatch-poisoned"'
  }
  {
    name: 'checker-did-not-run'
    text: 'No token check has ended for three hours: sign-ins may run out unnoticed. Runbook: "The token refresh checker".'
    severity: 1
    every: 'PT1H'
    window: 'PT3H'
    above: 0
    query: '${lines} | where line.event == "token_check.done" | summarize runs = count() | where runs == 0'
  }
  {
    name: 'sweep-did-not-run'
    text: 'No sweep has ended for fifteen minutes: jobs are not started again and mail is not sent. Runbook: "The sweep".'
    severity: 1
    every: 'PT5M'
    window: 'PT15M'
    above: 0
    query: 'requests | where name == "sweep" and success == true | summarize runs = count() | where runs == 0'
  }
  {
    name: 'agents-offline'
    text: 'Agents with work went silent. The dashboard\'s home page names them.'
    severity: 2
    every: 'PT5M'
    window: 'PT15M'
    above: 0
    query: '${raised} | where line.code == "agent-offline"'
  }
  {
    name: 'failing-requests'
    text: 'More than twenty requests in five minutes were answered 5xx.'
    severity: 2
    every: 'PT5M'
    window: 'PT5M'
    above: 20
    query: 'requests | where toint(resultCode) >= 500'
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${prefix}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'onemigrate'
    enabled: true
    emailReceivers: [
      for (address, index) in mailAddresses: {
        name: 'operator-${index}'
        emailAddress: address
        useCommonAlertSchema: true
      }
    ]
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-03-15-preview' = [
  for rule in rules: {
    name: 'alert-${prefix}-${rule.name}'
    location: location
    tags: tags
    properties: {
      displayName: rule.name
      description: rule.text
      severity: rule.severity
      enabled: true
      scopes: [insightsId]
      evaluationFrequency: rule.every
      windowSize: rule.window
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: rule.above
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: [people.id]
      }
    }
  }
]

