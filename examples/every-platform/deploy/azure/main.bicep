// Written by dashdeploy from dashdeploy.yaml. Refresh it with: dashdeploy render
// It is yours: edits by hand are noticed and never overwritten silently.
// inputs: 8a2aa85247654c1a body: e9139064294c96f9
//
// Everything of this environment, in one resource group. By hand, from the project's folder:
// 1. Once: sign in, and let the subscription have what is used.
//      az login
//      for name in Microsoft.App Microsoft.Insights Microsoft.Network Microsoft.OperationalInsights Microsoft.Storage Microsoft.Web; do az provider register --namespace "$name"; done
// 2. Once: the group.
//      az group create --name reading-list-azure --location westeurope
// 3. The images. The registry is made before the rest, since a container needs its image.
//      docker build --platform linux/amd64 --file deploy/api/Dockerfile --tag ghcr.io/acme/reading-list-api:latest api
//      docker push ghcr.io/acme/reading-list-api:latest
// 4. Everything else. Values come from the shell's variables, and stand in no file.
//      # needs in the shell: ADMIN_TOKEN
//      az deployment group create --resource-group reading-list-azure --parameters deploy/azure/main.bicepparam
// 5. The page `web`. A variable without `=` is the shell's.
//      site="$(mktemp -d)"
//      docker build --platform linux/amd64 --file deploy/web/Dockerfile --target files --build-arg VITE_API_URL=/. --output "$site" web
//      export SWA_CLI_DEPLOYMENT_TOKEN="$(az staticwebapp secrets list --resource-group reading-list-azure --name reading-list-azure-web --query properties.apiKey --output tsv)"
//      npx @azure/static-web-apps-cli deploy "$site" --env production --swa-config-location deploy/azure
// 6. A later release.
//      # build and push each image with a tag of its own, set API_IMAGE to it, and deploy as before

targetScope = 'resourceGroup'

@description('The region of everything but Static Web Apps.')
param location string = 'westeurope'

@description('The image of `api`, with the tag or digest of the release.')
param apiImage string = 'ghcr.io/acme/reading-list-api:latest'

@description('The secret ADMIN_TOKEN of `api`.')
@secure()
param api_ADMIN_TOKEN string

var tags = { 'dev.dashdeploy.project': 'reading-list', 'dev.dashdeploy.environment': 'azure' }

// Logs

resource logs 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: 'reading-list-azure-logs'
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: 30
  }
}

// Volumes with a single writer: NFS, whose locks hold. It needs a network of its own; nothing else reaches the shares.

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: 'reading-list-azure-network'
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        '10.0.0.0/16'
      ]
    }
    subnets: [
      {
        name: 'apps'
        properties: {
          addressPrefix: '10.0.0.0/23'
          delegations: [
            {
              name: 'apps'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
          serviceEndpoints: [
            {
              service: 'Microsoft.Storage'
            }
          ]
        }
      }
    ]
  }
}

resource nfsAccount 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: 'readinglistazurenfs'
  location: location
  tags: tags
  kind: 'FileStorage'
  sku: {
    name: 'Premium_LRS'
  }
  properties: {
    allowBlobPublicAccess: false
    minimumTlsVersion: 'TLS1_2'
    // NFS has no TLS of its own: the network below is what keeps others out.
    supportsHttpsTrafficOnly: false
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: 'Deny'
      virtualNetworkRules: [
        {
          id: network.properties.subnets[0].id
          action: 'Allow'
        }
      ]
    }
  }
}

resource nfsService 'Microsoft.Storage/storageAccounts/fileServices@2025-06-01' = {
  parent: nfsAccount
  name: 'default'
  properties: {
    protocolSettings: {
      nfs: {
        encryptionInTransit: {
          required: false
        }
      }
    }
    // A share that was deleted can be had again for a week.
    shareDeleteRetentionPolicy: {
      enabled: true
      days: 7
    }
  }
}

resource dataShare 'Microsoft.Storage/storageAccounts/fileServices/shares@2025-06-01' = {
  parent: nfsService
  name: 'volume-data'
  properties: {
    enabledProtocols: 'NFS'
    rootSquash: 'NoRootSquash'
    shareQuota: 100
  }
}

// Container Apps

resource appsEnvironment 'Microsoft.App/managedEnvironments@2025-07-01' = {
  name: 'reading-list-azure-apps'
  location: location
  tags: tags
  properties: {
    appLogsConfiguration: {
      destination: 'log-analytics'
      logAnalyticsConfiguration: {
        customerId: logs.properties.customerId
        sharedKey: logs.listKeys().primarySharedKey
      }
    }
    vnetConfiguration: {
      infrastructureSubnetId: network.properties.subnets[0].id
      internal: false
    }
    workloadProfiles: [
      {
        name: 'Consumption'
        workloadProfileType: 'Consumption'
      }
    ]
  }
}

resource dataStorage 'Microsoft.App/managedEnvironments/storages@2025-07-01' = {
  parent: appsEnvironment
  name: 'data'
  properties: {
    nfsAzureFile: {
      server: '${nfsAccount.name}.file.${environment().suffixes.storage}'
      shareName: '/${nfsAccount.name}/${dataShare.name}'
      accessMode: 'ReadWrite'
    }
  }
}

// Addresses

var apiUrl = 'https://reading-list-azure-api.${appsEnvironment.properties.defaultDomain}'

var webUrl = 'https://${webPage.properties.defaultHostname}'

// Container `api`

resource apiApp 'Microsoft.App/containerApps@2025-07-01' = {
  name: 'reading-list-azure-api'
  location: location
  tags: union(tags, { 'dev.dashdeploy.service': 'api' })
  properties: {
    environmentId: appsEnvironment.id
    workloadProfileName: 'Consumption'
    configuration: {
      // A new revision gets the requests when it is ready; the former one ends then.
      activeRevisionsMode: 'Single'
      ingress: {
        external: true
        targetPort: 8000
        transport: 'auto'
        allowInsecure: false
      }
      secrets: [
        { name: 'cors-origins', value: webUrl }
        { name: 'admin-token', value: api_ADMIN_TOKEN }
      ]
    }
    template: {
      initContainers: [
        {
          // A fresh share belongs to root, and the container runs as another.
          name: 'own-volumes'
          image: 'mcr.microsoft.com/azurelinux/base/core:3.0'
          command: ['chown']
          args: ['10001:10001', '/data']
          resources: {
            cpu: json('0.25')
            memory: '0.5Gi'
          }
          volumeMounts: [
            { volumeName: 'data', mountPath: '/data' }
          ]
        }
      ]
      containers: [
        {
          name: 'api'
          image: apiImage
          env: [
            { name: 'DATABASE', value: '/data/reading.db' }
            { name: 'CORS_ORIGINS', secretRef: 'cors-origins' }
            { name: 'LOG_LEVEL', value: 'info' }
            { name: 'UVICORN_LOG_LEVEL', value: 'info' }
            { name: 'ADMIN_TOKEN', secretRef: 'admin-token' }
          ]
          resources: {
            cpu: json('0.5')
            memory: '1Gi'
          }
          probes: [
            {
              type: 'Startup'
              httpGet: {
                path: '/api/health'
                port: 8000
              }
              periodSeconds: 10
              timeoutSeconds: 5
              failureThreshold: 10
            }
            {
              type: 'Readiness'
              httpGet: {
                path: '/api/health'
                port: 8000
              }
              periodSeconds: 10
              timeoutSeconds: 5
              failureThreshold: 3
            }
            {
              type: 'Liveness'
              httpGet: {
                path: '/api/health'
                port: 8000
              }
              periodSeconds: 30
              timeoutSeconds: 5
              failureThreshold: 3
            }
          ]
          volumeMounts: [
            { volumeName: 'data', mountPath: '/data' }
          ]
        }
      ]
      scale: {
        minReplicas: 1
        maxReplicas: 1
      }
      volumes: [
        {
          name: 'data'
          storageType: 'NfsAzureFile'
          storageName: dataStorage.name
        }
      ]
    }
  }
}

// Page `web`

resource webPage 'Microsoft.Web/staticSites@2024-11-01' = {
  name: 'reading-list-azure-web'
  location: 'westeurope'
  tags: union(tags, { 'dev.dashdeploy.service': 'web' })
  sku: {
    name: 'Standard'
    tier: 'Standard'
  }
  properties: {
    allowConfigFileUpdates: true
    stagingEnvironmentPolicy: 'Disabled'
  }
}

// `/api` of the page is answered by the service: one origin for both. It then takes requests through the page alone.
resource webBackend 'Microsoft.Web/staticSites/linkedBackends@2024-11-01' = {
  parent: webPage
  name: 'backend'
  properties: {
    backendResourceId: apiApp.id
    region: location
  }
}

// What was made

output apiUrl string = apiUrl

output webUrl string = webUrl
