metadata description = 'A saved workbook: requests, alerts, checker and mail of the control plane at a glance.'

param location string
param tags object
param insightsId string

var panels = [
  {
    title: 'Requests by function and answer'
    query: 'requests | summarize count(), percentile(duration, 50), percentile(duration, 99) by name, resultCode | order by count_ desc'
    shown: 'table'
  }
  {
    title: 'Heartbeats a minute'
    query: 'requests | where name == "agent_heartbeat" | summarize heartbeats = count() by bin(timestamp, 1m)'
    shown: 'timechart'
  }
  {
    title: 'Alerts raised'
    query: 'traces | extend line = parse_json(message) | where line.event == "alert.raised" | summarize times = count(), last = max(timestamp) by code = tostring(line.code) | order by last desc'
    shown: 'table'
  }
  {
    title: 'Token checks'
    query: 'traces | extend line = parse_json(message) | where line.event == "token_check.done" | project timestamp, seconds = todouble(line.seconds), looked = toint(line.looked), redeemed = toint(line.redeemed), broken = toint(line.broken) | order by timestamp desc'
    shown: 'table'
  }
  {
    title: 'Mail'
    query: 'traces | extend line = parse_json(message) | where line.event startswith "mail." | summarize times = count() by event = tostring(line.event), bin(timestamp, 1h)'
    shown: 'timechart'
  }
]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(insightsId, 'onemigrate')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'OneMigrate control plane'
    category: 'workbook'
    sourceId: insightsId
    serializedData: string({
      version: 'Notebook/1.0'
      items: map(range(0, length(panels)), index => {
        type: 3
        name: 'panel-${index}'
        content: {
          version: 'KqlItem/1.0'
          title: panels[index].title
          query: panels[index].query
          visualization: panels[index].shown
          queryType: 0
          resourceType: 'microsoft.insights/components'
          timeContext: {
            durationMs: 86400000
          }
        }
      })
    })
  }
}
