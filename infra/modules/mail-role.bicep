metadata description = 'The right to send mail through one Azure Communication Services resource.'

param principalId string
param mailServiceName string

var groupId = resourceGroup().id

resource mail 'Microsoft.Communication/communicationServices@2023-04-01' existing = {
  name: mailServiceName
}

// No built-in role is as narrow as sending mail: the smallest of them may delete the service.
resource mailSender 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(groupId, 'mail-sender')
  properties: {
    roleName: 'OneMigrate Mail Sender ${uniqueString(groupId)}'
    description: 'Sends mail through one Azure Communication Services resource and asks what became of it.'
    type: 'CustomRole'
    assignableScopes: [groupId]
    permissions: [
      {
        actions: [
          'Microsoft.Communication/CommunicationServices/Read'
          'Microsoft.Communication/CommunicationServices/Write'
          'Microsoft.Communication/EmailServices/Write'
        ]
      }
    ]
  }
}

resource onMail 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(groupId, principalId, 'mail-sender')
  scope: mail
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: mailSender.id
  }
}
