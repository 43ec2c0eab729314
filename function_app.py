"""The function app: builds it and registers its blueprints; nothing else."""

import azure.functions as func

from functions.triggers import queues, timers
from functions.triggers.api import API
from functions.triggers.pages import PAGES

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
for routes in (*API, *PAGES):
    app.register_functions(routes.blueprint)
app.register_functions(timers.blueprint)
app.register_functions(queues.blueprint)
