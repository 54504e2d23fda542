//! The registry: one object that knows which projects there are.

use serde::{Deserialize, Serialize};

use crate::api::{Code, List, Pagination, Problem};
use crate::json;
use crate::text::Name;
use crate::time::Timestamp;
use crate::worker::message::Page;
use crate::worker::reply::Reply;
use crate::worker::store::{Store, StoreFault};

/// What can be asked of the registry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistryCall {
    /// Whether a project's id is still free.
    IsFree {
        /// The id.
        id: Name,
    },
    /// Keep a new project.
    Create {
        /// Its id.
        id: Name,
        /// Words for people.
        name: Option<String>,
    },
    /// A page of the projects.
    Projects(Page),
}

#[derive(Serialize)]
struct ProjectAnswer {
    id: String,
    name: Option<String>,
    created_at: String,
}

/// Answers one call.
///
/// # Errors
/// The store's fault.
pub fn call<S: Store>(store: &S, message: &str, now: Timestamp) -> Result<Reply, StoreFault> {
    let call: RegistryCall =
        json::read(message).map_err(|error| StoreFault(format!("unreadable call: {error}")))?;
    let table = "CREATE TABLE IF NOT EXISTS projects
                   (id TEXT PRIMARY KEY, name TEXT, created_at INTEGER NOT NULL) STRICT";
    store.run(table, ())?;
    match call {
        RegistryCall::IsFree { id } => {
            let found = store.first::<(u8,)>("SELECT 1 FROM projects WHERE id = ?", (&id,))?;
            Ok(found.map_or_else(|| Reply::ok(&true), |_| exists(&id)))
        }
        RegistryCall::Create { id, name } => {
            let insert = "INSERT INTO projects (id, name, created_at) VALUES (?, ?, ?)
                          ON CONFLICT DO NOTHING RETURNING 1";
            let created = store.first::<(u8,)>(insert, (&id, name, now))?;
            Ok(created.map_or_else(|| exists(&id), |_| Reply::ok(&true)))
        }
        RegistryCall::Projects(page) => {
            let total =
                store.first::<(u64,)>("SELECT count(*) FROM projects", ())?.map_or(0, |(count,)| count);
            let select =
                "SELECT id, name, created_at FROM projects ORDER BY created_at DESC, id LIMIT ? OFFSET ?";
            let rows: Vec<(String, Option<String>, Timestamp)> =
                store.rows(select, (page.limit, page.offset))?;
            let project = |(id, name, at): (String, Option<String>, Timestamp)| ProjectAnswer {
                id,
                name,
                created_at: at.to_string(),
            };
            let data: Vec<_> = rows.into_iter().map(project).collect();
            let pagination = Pagination::by_offset(page.limit, page.offset, total);
            Ok(Reply::ok(&List { data, pagination }))
        }
    }
}

fn exists(id: &Name) -> Reply {
    Problem::new(Code::AlreadyExists, format!("the project {} exists already", id.as_str())).into()
}
