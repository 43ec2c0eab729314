"""A host for one Azure Functions app (Python v2 model), built on Microsoft's own worker library.

The worker library indexes and invokes the app exactly as it does in Azure; this package plays the part
around it that in Azure belongs to the platform: HTTP, App Service authentication, timers and queues.

Nouns: a *function* is one indexed entry of the app with its *trigger* and its other *bindings*; an
*invocation* is one run of it; a *listener* watches one timer or queue and causes invocations.
"""
