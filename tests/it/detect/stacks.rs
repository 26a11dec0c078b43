//! Stacks one by one, as people lay them out.

use super::*;

pub(super) const FASTAPI: &str = "from fastapi import FastAPI\napp = FastAPI()\n";
pub(super) const FLASK: &str = "from flask import Flask\napp = Flask(__name__)\n";
pub(super) const VITE: &str =
    r#"{"name":"ui","scripts":{"dev":"vite","build":"vite build"},"devDependencies":{"vite":"7.0.0"}}"#;
pub(super) const PAGE: &str = "<html>\n<body><div id=\"root\"></div></body></html>\n";

#[test]
fn the_import_root_follows_the_imports() {
    // requirements.txt at the top, the code started from backend/.
    let (detection, _) = files(&[
        ("requirements.txt", "fastapi\nuvicorn\n"),
        (
            "backend/app/main.py",
            "from fastapi import FastAPI\nfrom app.core.config import settings\napp = FastAPI()\n",
        ),
        ("backend/app/core/config.py", "settings = 1\n"),
    ]);
    let Recipe::Python(recipe) = &only(&detection).build.recipe else { panic!() };
    assert_eq!(
        (recipe.app.as_deref(), recipe.source_root.as_deref()),
        (Some("app.main:app"), Some("backend"))
    );

    // The manifest beside the code, the imports from above it.
    let (detection, _) = files(&[
        ("backend/requirements.txt", "fastapi\nuvicorn\n"),
        ("backend/main.py", "from fastapi import FastAPI\nfrom backend.db import x\napp = FastAPI()\n"),
        ("backend/db.py", "x = 1\n"),
    ]);
    let found = only(&detection);
    assert_eq!((app(found), found.build.context.as_str()), ("backend.main:app", "."));

    // The same without such imports.
    let (detection, _) = files(&[
        ("backend/requirements.txt", "fastapi\nuvicorn\n"),
        ("backend/main.py", "from fastapi import FastAPI\nimport db\napp = FastAPI()\n"),
        ("backend/db.py", "x = 1\n"),
    ]);
    let found = only(&detection);
    assert_eq!((app(found), found.build.context.as_str()), ("main:app", "backend"));
}

#[test]
fn prefixes_are_followed_through_routers_and_constants() {
    let (detection, _) = files(&[
        ("requirements.txt", "fastapi[standard]\n"),
        (
            "app/main.py",
            "from fastapi import FastAPI\nfrom app.api.main import api_router\nfrom app.config import settings\napp = FastAPI()\napp.include_router(api_router, prefix=settings.API_V1_STR)\n",
        ),
        ("app/config.py", "class Settings:\n    API_V1_STR: str = \"/api/v1\"\nsettings = Settings()\n"),
        (
            "app/api/main.py",
            "from fastapi import APIRouter\nfrom app.api.routes import utils\napi_router = APIRouter()\napi_router.include_router(utils.router)\n",
        ),
        (
            "app/api/routes/utils.py",
            "from fastapi import APIRouter, Depends\nrouter = APIRouter(prefix=\"/utils\")\n@router.get(\"/health-check/\")\nasync def health() -> bool:\n    return True\n@router.get('/status')\ndef status(user = Depends(get_current_user)): ...\n",
        ),
    ]);
    let found = only(&detection);
    assert_eq!(found.health.as_deref(), Some("/api/v1/utils/health-check/"));
    assert!(
        found.rejected.iter().any(|rejected| rejected.candidate.contains("/utils/status")),
        "{:#?}",
        found.rejected
    );
}

#[test]
fn no_health_endpoint_is_none_and_says_so() {
    let (detection, text) = files(&[
        ("requirements.txt", "flask\ngunicorn\n"),
        (
            "app.py",
            "from flask import Flask\napp = Flask(__name__)\n@app.route('/')\ndef index(): return 'x'\n",
        ),
    ]);
    assert_eq!(only(&detection).health, None);
    assert!(!text.contains("health:"));
    let note = detection.notes.iter().find(|note| note.message.contains("no health endpoint")).unwrap();
    assert_eq!(note.evidence.as_ref().map(|e| e.place()).as_deref(), Some("app.py:3"));

    // One behind a login tells nothing.
    let (detection, _) = files(&[
        ("requirements.txt", "fastapi\nuvicorn\n"),
        (
            "app.py",
            "from fastapi import FastAPI, Depends\napp = FastAPI()\n@app.get('/health', dependencies=[Depends(require_token)])\ndef health(): ...\n",
        ),
    ]);
    assert_eq!(only(&detection).health, None);
    assert!(detection.notes.iter().any(|note| note.warning && note.message.contains("login")));
}

#[test]
fn django_with_its_urls() {
    let (detection, _) = files(&[
        (
            "pyproject.toml",
            "[project]\nname = \"shop\"\nrequires-python = \">=3.12\"\ndependencies = [\"django\", \"gunicorn\"]\n",
        ),
        ("manage.py", "import os\nos.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"shop.settings\")\n"),
        ("shop/__init__.py", ""),
        (
            "shop/wsgi.py",
            "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n",
        ),
        ("shop/settings.py", "import os\nSECRET_KEY = os.environ[\"SECRET_KEY\"]\n"),
        (
            "shop/urls.py",
            "from django.urls import include, path\nurlpatterns = [path('admin/', x), path('api/', include('items.urls'))]\n",
        ),
        (
            "items/urls.py",
            "from django.urls import path\nurlpatterns = [path('health/', view), path('<int:id>/', view)]\n",
        ),
    ]);
    let found = only(&detection);
    assert_eq!((found.build.kind, app(found)), (BuildKind::Django, "shop.wsgi:application"));
    assert_eq!(found.health.as_deref(), Some("/api/health/"));
    assert_eq!(found.secrets["SECRET_KEY"].requirement, Requirement::Required);
    let Recipe::Python(recipe) = &found.build.recipe else { panic!() };
    assert_eq!(recipe.version, "3.12");
}

#[test]
fn factories_are_started_as_factories() {
    let (detection, _) = files(&[
        ("requirements.txt", "fastapi\nuvicorn\n"),
        (
            "svc/main.py",
            "from fastapi import FastAPI\ndef create_app() -> FastAPI:\n    app = FastAPI()\n    return app\n",
        ),
    ]);
    let command = only(&detection).command.clone().unwrap_or_default();
    assert_eq!(command[..3], ["uvicorn", "svc.main:create_app", "--factory"]);
    let (detection, _) = files(&[
        ("requirements.txt", "flask\ngunicorn\n"),
        (
            "site/__init__.py",
            "from flask import Flask\ndef create_app(config=None):\n    return Flask(__name__)\n",
        ),
    ]);
    assert_eq!((app(only(&detection)), &only(&detection).command), ("site:create_app()", &None));
}

#[test]
fn tests_examples_comments_and_strings_are_no_services() {
    let (detection, _) = files(&[
        ("requirements.txt", "fastapi\n"),
        ("tests/app.py", FASTAPI),
        ("examples/demo/main.py", FASTAPI),
        ("docs/app.py", FASTAPI),
        ("test_app.py", FASTAPI),
        (
            "pkg/a.py",
            "# from fastapi import FastAPI\n# app = FastAPI()\n'''\nfrom fastapi import FastAPI\napp = FastAPI()\n'''\n",
        ),
        ("examples/web/package.json", VITE),
        ("e2e/package.json", r#"{"scripts":{"start":"node x.js"},"dependencies":{"express":"1"}}"#),
        ("docs/index.html", PAGE),
    ]);
    assert!(detection.services.is_empty(), "{:#?}", detection.services);
    assert!(!detection.rejected.is_empty());
}

#[test]
fn a_monorepo_gives_one_service_a_folder() {
    let (detection, text) = files(&[
        ("package.json", r#"{"name":"@org/shop","private":true,"workspaces":["apps/*"]}"#),
        ("package-lock.json", "{}"),
        ("apps/storefront/package.json", VITE),
        ("apps/storefront/index.html", PAGE),
        ("apps/admin/package.json", VITE),
        ("apps/admin/index.html", PAGE),
        ("services/orders/pyproject.toml", "[project]\nname='orders'\ndependencies=['fastapi','uvicorn']\n"),
        ("services/orders/uv.lock", "version = 1\n"),
        ("services/orders/orders/main.py", FASTAPI),
        ("services/orders/orders/store.py", "import sqlite3\ndb = sqlite3.connect('data/orders.db')\n"),
        ("services/users/requirements.txt", "flask\ngunicorn\n"),
        (
            "services/users/app.py",
            "from flask import Flask\napp = Flask(__name__)\nopen('data/users.json', 'w')\n",
        ),
        ("libs/shared/pyproject.toml", "[project]\nname='shared'\n"),
        ("libs/shared/shared/util.py", "x = 1\n"),
    ]);
    let names: Vec<&str> = detection.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["orders", "users", "admin", "storefront"], "{text}");
    let ports: Vec<_> = detection.services.iter().map(|service| service.publish.or(service.port)).collect();
    assert_eq!(ports, [Some(8000), Some(8001), Some(8080), Some(8081)]);
    assert_eq!(service(&detection, "orders").build.context, "services/orders");
    assert_eq!(service(&detection, "orders").build.dockerfile, "deploy/orders/Dockerfile");
    // Two services that share no folder share no data.
    assert_eq!(detection.volumes.len(), 2);
    assert_eq!(detection.project.as_str(), "shop");
    let reason =
        |what: &str| detection.rejected.iter().find(|r| r.candidate.contains(what)).map(|r| r.reason.clone());
    assert!(
        reason("libs/shared").is_some()
            && reason("service in `.`").unwrap_or_default().contains("workspaces")
    );
}

#[test]
fn node_servers_and_their_commands() {
    let package = |start: &str, more: &str| {
        format!(r#"{{"name":"n","scripts":{{"start":"{start}"{more}}},"dependencies":{{"express":"5"}}}}"#)
    };
    let start = |text: &str| {
        let (detection, _) = files(&[
            ("package.json", text),
            ("src/index.js", "app.listen(process.env.PORT || 4000)\n"),
            ("package-lock.json", "{}"),
        ]);
        let Recipe::Node(recipe) = only(&detection).build.recipe.clone() else { panic!() };
        assert_eq!(only(&detection).port, Some(4000));
        (recipe.start.join(" "), recipe.script)
    };
    assert_eq!(start(&package("node src/index.js", "")).0, "node src/index.js");
    assert_eq!(start(&package("nodemon src/index.js", "")).0, "node src/index.js");
    assert_eq!(
        start(&package("NODE_ENV=production node dist/i.js", r#","build":"tsc""#)),
        ("node dist/i.js".to_owned(), Some("build".to_owned()))
    );
    assert_eq!(start(&package("npm run build && node x.js", "")).0, "npm run start");
    assert_eq!(start(r#"{"name":"n","dependencies":{"koa":"2"}}"#).0, "node src/index.js");
    let (detection, _) = files(&[(
        "package.json",
        r#"{"name":"n","scripts":{"build":"next build","start":"next start"},"dependencies":{"next":"15"}}"#,
    )]);
    assert_eq!((only(&detection).build.kind, only(&detection).port), (BuildKind::Node, Some(3000)));
    assert!(
        detection.notes.iter().any(|note| note.mend.as_deref() == Some("npm install --package-lock-only"))
    );
}

#[test]
fn what_is_no_service_of_node_is_rejected_with_the_reason() {
    for (package, why) in [
        (r#"{"name":"tools","devDependencies":{"prettier":"3"}}"#, "neither"),
        (r#"{"name":"lib","scripts":{"build":"vite build"},"devDependencies":{"vite":"7"}}"#, "neither"),
        (
            r#"{"name":"ng","scripts":{"start":"ng serve","build":"ng build"},"dependencies":{"@angular/core":"19"}}"#,
            "not known",
        ),
    ] {
        let (detection, _) = files(&[("package.json", package), ("src/index.ts", "export const x = 1")]);
        assert!(detection.services.is_empty(), "{package}");
        assert!(detection.rejected[0].reason.contains(why), "{:?}", detection.rejected);
    }
}

#[test]
fn front_ends_and_the_api_they_ask() {
    let (detection, text) = files(&[
        (
            "server/package.json",
            r#"{"name":"s","scripts":{"start":"node index.js"},"dependencies":{"express":"5"}}"#,
        ),
        ("server/package-lock.json", "{}"),
        (
            "server/index.js",
            "app.get('/items', (q, r) => r.json([]));\napp.get('/health', (q, r) => r.send('ok'));\napp.use(cors({ origin: process.env.CLIENT_ORIGIN }));\napp.listen(5000, '127.0.0.1');\n",
        ),
        (
            "client/package.json",
            r#"{"name":"c","scripts":{"start":"react-scripts start","build":"react-scripts build"},"dependencies":{"react-scripts":"5"}}"#,
        ),
        ("client/yarn.lock", ""),
        ("client/public/index.html", PAGE),
        (
            "client/src/api.js",
            "const BASE = process.env.REACT_APP_API_URL || 'http://localhost:5000/v1';\nexport const items = () => fetch(`${BASE}/items`);\n",
        ),
        ("client/.env.production", "REACT_APP_API_URL=https://old.example.com\n"),
    ]);
    let (api, web) = (service(&detection, "api"), service(&detection, "web"));
    assert_eq!(web.env["REACT_APP_API_URL"].value, "${services.api.url}/v1");
    assert_eq!(web.proxy.keys().collect::<Vec<_>>(), ["/items"]);
    assert_eq!(api.env["CLIENT_ORIGIN"].value, "${services.web.origin}");
    let Recipe::Spa(recipe) = &web.build.recipe else { panic!() };
    assert_eq!(
        (recipe.output.as_str(), recipe.dev_script.as_str(), recipe.manager.as_str()),
        ("build", "start", "yarn")
    );
    assert!(detection.notes.iter().any(|note| note.message.contains("https://old.example.com")), "{text}");
    assert!(detection.notes.iter().any(|note| note.warning && note.message.contains("loopback")));
}

#[test]
fn a_rewriting_development_proxy_is_named_and_not_copied() {
    let (detection, _) = files(&[
        ("requirements.txt", "fastapi\nuvicorn\n"),
        ("main.py", "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/items')\ndef items(): ...\n"),
        ("web/package.json", VITE),
        (
            "web/vite.config.js",
            "export default { server: { proxy: { '/api': { target: 'http://localhost:8000', rewrite: p => p.replace(/^\\/api/, '') } } } }",
        ),
        ("web/index.html", PAGE),
    ]);
    assert!(service(&detection, "web").proxy.is_empty());
    assert!(detection.notes.iter().any(|note| note.warning && note.message.contains("takes `/api` off")));
}
