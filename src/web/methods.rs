//! Which methods an address answers, told to whoever asks with another one.

use poem::error::MethodNotAllowedError;
use poem::http::Method;
use poem::{Endpoint, IntoEndpoint, Request, Response, RouteMethod};

/// The methods of one address, each with its handler.
#[derive(Default)]
pub(crate) struct Methods {
    handlers: RouteMethod,
    answered: Vec<&'static str>,
}

/// What an address answers, as the `Allow` header says it.
#[derive(Clone, Debug)]
pub(crate) struct Allowed(pub(crate) String);

/// An address that is read.
pub(crate) fn get<E>(endpoint: E) -> Methods
where
    E: IntoEndpoint,
    E::Endpoint: 'static,
{
    Methods::default().with(Method::GET, &["GET", "HEAD"], endpoint)
}

/// An address that forms are sent to.
pub(crate) fn post<E>(endpoint: E) -> Methods
where
    E: IntoEndpoint,
    E::Endpoint: 'static,
{
    Methods::default().post(endpoint)
}

impl Methods {
    /// Forms are sent to it too.
    pub(crate) fn post<E>(self, endpoint: E) -> Self
    where
        E: IntoEndpoint,
        E::Endpoint: 'static,
    {
        self.with(Method::POST, &["POST"], endpoint)
    }

    fn with<E>(mut self, method: Method, answered: &[&'static str], endpoint: E) -> Self
    where
        E: IntoEndpoint,
        E::Endpoint: 'static,
    {
        self.answered.extend(answered);
        Self { handlers: self.handlers.method(method, endpoint), answered: self.answered }
    }
}

impl Endpoint for Methods {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let answered = self.handlers.call(request).await;
        answered.map_err(|mut error| {
            if error.is::<MethodNotAllowedError>() {
                error.set_data(Allowed(self.answered.join(", ")));
            }
            error
        })
    }
}
