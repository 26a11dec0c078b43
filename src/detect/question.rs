//! What a tree cannot tell, asked with a default.
//!
//! Given: a [`Detection`]. Gives: questions, and the detection with an answer taken in. Deliberately absent: asking; and every
//! question whose answer stands in the tree.

use dashdeploy_contract::Recipe;
use serde::Serialize;

use super::model::{Detection, Proposal};

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// What identifies it, such as `dockerfile.api`.
    pub id: String,
    /// The question itself.
    pub prompt: String,
    /// The answers, the default first.
    pub choices: Vec<Choice>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// What identifies it, such as `keep`.
    pub value: String,
    /// What is shown.
    pub label: String,
}

/// An answer that no question asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is no answer to `{id}`; known are {known}")]
pub struct UnknownAnswer {
    /// The question.
    pub id: String,
    /// The answer given.
    pub value: String,
    /// The answers there are.
    pub known: String,
}

/// The questions, in the order of the services. Taking each first choice changes nothing.
pub fn questions(detection: &Detection) -> Vec<Question> {
    let mut asked = Vec::new();
    for service in &detection.services {
        if let Some(generated) = &service.generated {
            asked.push(Question {
                id: format!("dockerfile.{}", service.name),
                prompt: format!("`{}` has a Dockerfile of its own. Which one shall build it?", service.name),
                choices: vec![
                    choice("keep", format!("{}, as it is", service.build.dockerfile)),
                    choice("generate", format!("a generated one: {}", generated.build.dockerfile)),
                ],
            });
        }
        if let Some(app) = application(service).filter(|_| !service.other_apps.is_empty()) {
            let names = std::iter::once(app).chain(service.other_apps.iter().cloned());
            asked.push(Question {
                id: format!("app.{}", service.name),
                prompt: format!("`{}` has several applications. Which one shall be served?", service.name),
                choices: names.map(|name| choice(&name, name.clone())).collect(),
            });
        }
    }
    asked
}

fn choice(value: &str, label: String) -> Choice {
    Choice { value: value.to_owned(), label }
}

fn application(service: &Proposal) -> Option<String> {
    match &service.build.recipe {
        // A factory has a command that names it; another application would need another command.
        Recipe::Python(recipe) if service.command.is_none() => recipe.app.clone(),
        _ => None,
    }
}

impl Detection {
    /// Takes an answer in.
    ///
    /// # Errors
    /// [`UnknownAnswer`] where [`questions`] does not ask `id`, or knows no such choice.
    pub fn answer(&mut self, id: &str, value: &str) -> Result<(), UnknownAnswer> {
        let question = questions(self).into_iter().find(|question| question.id == id);
        let choices = question.map(|question| question.choices).unwrap_or_default();
        if !choices.iter().any(|choice| choice.value == value) {
            let known: Vec<String> = choices.into_iter().map(|choice| choice.value).collect();
            return Err(UnknownAnswer {
                id: id.to_owned(),
                value: value.to_owned(),
                known: known.join(", "),
            });
        }
        let Some((topic, name)) = id.split_once('.') else { return Ok(()) };
        let Some(service) = self.services.iter_mut().find(|service| service.name.as_str() == name) else {
            return Ok(());
        };
        match (topic, value) {
            ("dockerfile", "generate") => {
                if let Some(generated) = service.generated.take() {
                    *service = *generated;
                }
            }
            ("app", app) => choose(service, app),
            _ => {}
        }
        self.volumes = super::volumes(&self.services);
        Ok(())
    }
}

fn choose(service: &mut Proposal, app: &str) {
    let Recipe::Python(recipe) = &mut service.build.recipe else { return };
    let Some(former) = recipe.app.replace(app.to_owned()).filter(|former| former != app) else { return };
    service.other_apps.retain(|other| other != app);
    service.other_apps.insert(0, former);
}
