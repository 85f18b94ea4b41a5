//! Networks: populations of neurons and projections between them, on a clock.
//!
//! A [`Network`] holds no weights and no state: weights live in [`crate::params::Params`], state in
//! the call that solves a batch. Any graph is allowed: feed-forward, deep, recurrent (with
//! self-connections), skips. A network has exactly one input population and one output population.
//! [`Network::validate`] is the only validator; every solver calls it.

mod clock;
mod error;
mod id;
mod population;
mod projection;

pub use clock::Clock;
pub use error::{DelayFault, NetworkError};
pub use id::{PopulationId, ProjectionId};
pub use population::{Population, Trained};
pub use projection::Projection;

use crate::connect::{Delay, Lags, Synapses, Wiring, WiringError};
pub use crate::connect::{Init, Shape};
pub use crate::neuron::alif::{Adaptation, Alif};
pub use crate::neuron::constant::{Constant, NeuronConstant};
pub use crate::neuron::equations::{Equations, NeuronModel};
pub use crate::neuron::li::Li;
pub use crate::neuron::lif::Lif;
pub use crate::neuron::model::Model;
use crate::params::Params;
use crate::real::Real;

/// Populations and projections on a clock.
///
/// ```
/// use eventprop::network::{Clock, Init, Li, Lif, Network};
/// let mut network = Network::new(Clock::new(1.0, 20.0)?);
/// let input = network.add_input("input", 784);
/// let hidden = network.add_lif("hidden", 128, Lif::new(20.0, 5.0));
/// let output = network.add_li("output", 10, Li::new(20.0, 5.0));
/// network.connect(input, hidden, Init::Normal { mean: 0.078, std: 0.045 });
/// network.connect(hidden, output, Init::Normal { mean: 0.2, std: 0.37 });
/// network.validate()?;
/// # Ok::<(), eventprop::network::NetworkError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    clock: Clock,
    populations: Vec<Population>,
    /// The output, where it is not the last population.
    output: Option<PopulationId>,
    projections: Vec<Projection>,
    /// Names of the ports at which projections arrive that name one.
    ports: Vec<Port>,
}

/// The port of a projection.
#[derive(Debug, Clone, PartialEq)]
struct Port {
    projection: ProjectionId,
    name: String,
}

impl Network {
    /// A network without populations.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            populations: Vec::new(),
            output: None,
            projections: Vec::new(),
            ports: Vec::new(),
        }
    }

    /// Adds the input population: neurons that emit the spikes of a sample. Here and below `size` is a number of neurons or a
    /// [`Shape`].
    pub fn add_input(&mut self, name: &str, size: impl Into<Shape>) -> PopulationId {
        self.add(name, size, Model::Input)
    }

    /// Adds a population of leaky integrate-and-fire neurons.
    pub fn add_lif(&mut self, name: &str, size: impl Into<Shape>, lif: Lif) -> PopulationId {
        self.add(name, size, Model::Lif(lif))
    }

    /// Adds a population of leaky integrate-and-fire neurons with adapting thresholds.
    pub fn add_alif(&mut self, name: &str, size: impl Into<Shape>, alif: Alif) -> PopulationId {
        self.add(name, size, Model::Alif(alif))
    }

    /// Adds a population of leaky integrators (they never spike).
    pub fn add_li(&mut self, name: &str, size: impl Into<Shape>, li: Li) -> PopulationId {
        self.add(name, size, Model::Li(li))
    }

    /// Adds a population of neurons of a model that was given as equations.
    pub fn add_equations(
        &mut self,
        name: &str,
        size: impl Into<Shape>,
        equations: Equations,
    ) -> PopulationId {
        self.add(name, size, Model::Equations(Box::new(equations)))
    }

    /// Says at which port of its target a projection arrives, where the model has several; the first, unless it is said.
    pub fn set_port(&mut self, projection: ProjectionId, name: &str) {
        self.ports.retain(|port| port.projection != projection);
        self.ports.push(Port {
            projection,
            name: name.to_owned(),
        });
    }

    /// The port at which a projection arrives; none where none is named.
    pub fn port(&self, projection: ProjectionId) -> Option<&str> {
        let named = self
            .ports
            .iter()
            .find(|port| port.projection == projection)?;
        Some(&named.name)
    }

    /// Its place among those of the model.
    pub(crate) fn port_place(&self, id: ProjectionId) -> Option<usize> {
        let name = self.port(id)?;
        match &self.population(self.projection(id).target).model {
            Model::Equations(equations) => equations.model().ports().position(|port| port == name),
            Model::Input | Model::Lif(_) | Model::Alif(_) | Model::Li(_) => None,
        }
    }

    /// Connects every neuron of `source` to every neuron of `target`, without extra delay.
    pub fn connect(
        &mut self,
        source: PopulationId,
        target: PopulationId,
        init: Init,
    ) -> ProjectionId {
        self.connect_delayed(source, target, init, 0.0)
    }

    /// Connects every neuron of `source` to every neuron of `target`; spikes arrive `delay_ms` later.
    pub fn connect_delayed(
        &mut self,
        source: PopulationId,
        target: PopulationId,
        init: Init,
        delay_ms: f64,
    ) -> ProjectionId {
        self.add_projection(Projection {
            source,
            target,
            wiring: Wiring::Dense,
            delay: Delay::Constant(delay_ms),
            init,
        })
    }

    /// Adds a projection of any wiring and delay.
    ///
    /// ```
    /// use eventprop::connect::{Delay, Wiring};
    /// use eventprop::network::{Clock, Init, Lif, Network, Projection};
    /// let mut network = Network::new(Clock::new(1.0, 20.0)?);
    /// let input = network.add_input("input", 16);
    /// let hidden = network.add_lif("hidden", 16, Lif::new(20.0, 5.0));
    /// network.add_projection(Projection {
    ///     source: input,
    ///     target: hidden,
    ///     wiring: Wiring::OneToOne,
    ///     delay: Delay::Constant(2.0),
    ///     init: Init::Values(vec![4.0; 16]),
    /// });
    /// network.validate()?;
    /// # Ok::<(), eventprop::network::NetworkError>(())
    /// ```
    pub fn add_projection(&mut self, projection: Projection) -> ProjectionId {
        self.projections.push(projection);
        ProjectionId(self.projections.len() - 1)
    }

    /// Adds a population of neurons of a model.
    pub fn add(&mut self, name: &str, size: impl Into<Shape>, model: Model) -> PopulationId {
        let shape = size.into();
        self.populations.push(Population {
            name: name.to_owned(),
            size: shape.neurons().unwrap_or(usize::MAX),
            shape,
            model,
            trained: Vec::new(),
        });
        PopulationId(self.populations.len() - 1)
    }

    /// Makes a population the output, in place of the last one added.
    ///
    /// # Panics
    /// When there is no such population.
    pub fn set_output(&mut self, id: PopulationId) {
        assert!(
            id.0 < self.populations.len(),
            "there is no population {} to be the output",
            id.0
        );
        self.output = Some(id);
    }

    /// Makes a constant of a population a parameter, one value per neuron, that training does not
    /// let fall below `least`. Asked twice, the last bound holds.
    ///
    /// # Panics
    /// When there is no such population.
    pub fn train_constant(&mut self, id: PopulationId, constant: NeuronConstant, least: f64) {
        let trained = &mut self.populations[id.0].trained;
        trained.retain(|t| t.constant != constant);
        trained.push(Trained { constant, least });
        trained.sort_by_key(|t| t.constant);
    }

    /// Sets a constant of a population.
    ///
    /// # Panics
    /// When there is no such population, or its model does not have the constant.
    pub fn set_constant(
        &mut self,
        id: PopulationId,
        constant: NeuronConstant,
        value: impl Into<Constant>,
    ) {
        self.populations[id.0].set_constant(constant, value.into());
    }

    /// Gives a projection another delay.
    ///
    /// # Panics
    /// When there is no such projection.
    pub fn set_delay(&mut self, id: ProjectionId, delay: Delay) {
        self.projections[id.0].delay = delay;
    }

    /// Gives a projection another wiring.
    ///
    /// # Panics
    /// When there is no such projection.
    pub fn set_wiring(&mut self, id: ProjectionId, wiring: Wiring) {
        self.projections[id.0].wiring = wiring;
    }

    /// Sets the trained constants to what `params` holds, and checks the delays; returns the
    /// indices of the populations that have any such constants.
    ///
    /// # Errors
    /// When a value is out of the range of its constant, or a delay out of its bounds.
    ///
    /// # Panics
    /// When the parameters are those of another network.
    pub fn adopt<F: Real>(&mut self, params: &Params<F>) -> Result<Vec<usize>, NetworkError> {
        let mut changed = Vec::new();
        for (index, population) in self.populations.iter_mut().enumerate() {
            for which in population.trained.clone() {
                let values = params
                    .constant(PopulationId(index), which.constant)
                    .expect("parameters are made for their network");
                let values = values.iter().map(|x| x.to_f64()).collect();
                population.set_constant(which.constant, Constant::PerNeuron(values));
                if changed.last() != Some(&index) {
                    changed.push(index);
                }
            }
        }
        for &index in &changed {
            self.populations[index].validate_in::<F>()?;
        }
        for (index, projection) in self.projections.iter().enumerate() {
            let Some(delays) = projection.delay.each() else {
                continue;
            };
            let id = ProjectionId(index);
            let most_ms = delays.most_ms;
            let mut given = params.delays(id).unwrap_or_default().iter();
            // A bound in single precision, and what it becomes in double precision, are no more than the bound.
            let fits = |ms: f64| ms >= 0.0 && ms as f32 <= most_ms as f32;
            if let Some(outside) = given.find(|delay| !fits(delay.to_f64())) {
                let value_ms = outside.to_f64();
                return Err(NetworkError::Delay {
                    name: self.projection_name(id),
                    delay: DelayFault::Outside { value_ms, most_ms },
                });
            }
        }
        Ok(changed)
    }

    /// The times in ms between the spikes of a projection and their arrivals.
    ///
    /// # Panics
    /// When the parameters are those of another network.
    pub fn lags<F: Real>(&self, id: ProjectionId, params: &Params<F>) -> Lags<f64> {
        match &self.projection(id).delay {
            Delay::Constant(ms) => Lags::Same(*ms),
            Delay::Each(delays) => {
                let values = params.delays(id);
                let values = values.expect("parameters are made for their network");
                let values = values.iter().map(|ms| ms.to_f64()).collect();
                Lags::Each {
                    by: delays.by,
                    values,
                }
            }
        }
    }

    /// The longest delay in ms that a projection can have.
    pub fn longest_delay_ms(&self, id: ProjectionId) -> f64 {
        match &self.projection(id).delay {
            Delay::Constant(ms) => *ms,
            Delay::Each(delays) => delays.most_ms,
        }
    }

    /// The same network on another clock.
    #[must_use]
    pub fn on_clock(&self, clock: Clock) -> Self {
        Self {
            clock,
            ..self.clone()
        }
    }

    /// Step and length of a trial.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// The populations, in the order in which they were added.
    pub fn populations(&self) -> &[Population] {
        &self.populations
    }

    /// The projections, in the order in which they were added.
    pub fn projections(&self) -> &[Projection] {
        &self.projections
    }

    /// One population.
    pub fn population(&self, id: PopulationId) -> &Population {
        &self.populations[id.0]
    }

    /// One projection.
    pub fn projection(&self, id: ProjectionId) -> &Projection {
        &self.projections[id.0]
    }

    /// The synapses of a projection.
    ///
    /// # Panics
    /// When its wiring does not fit its populations; [`Self::validate`] refuses such a network.
    pub fn synapses(&self, id: ProjectionId) -> Synapses {
        let synapses = self.wired(id);
        synapses.expect("the wirings of a validated network fit")
    }

    fn wired(&self, id: ProjectionId) -> Result<Synapses, WiringError> {
        let projection = self.projection(id);
        let (source, target) = (projection.source, projection.target);
        let (source, target) = (self.population(source), self.population(target));
        projection.wiring.between(source.shape, target.shape)
    }

    /// The id of the population with this name.
    pub fn find(&self, name: &str) -> Option<PopulationId> {
        let index = self.populations.iter().position(|p| p.name == name)?;
        Some(PopulationId(index))
    }

    /// The input population.
    ///
    /// # Panics
    /// When there is none; [`Self::validate`] refuses such a network.
    pub fn input(&self) -> PopulationId {
        let index = self.populations.iter().position(Population::is_input);
        PopulationId(index.expect("a validated network has an input population"))
    }

    /// The output population: the one that was chosen, or the last one added.
    pub fn output(&self) -> PopulationId {
        self.output
            .unwrap_or(PopulationId(self.populations.len() - 1))
    }

    /// All populations as they were added, but the output last.
    pub fn output_last(&self) -> Vec<PopulationId> {
        let all = (0..self.populations.len()).map(PopulationId);
        let output = self.output();
        all.filter(|id| *id != output).chain([output]).collect()
    }

    /// Number of input neurons.
    pub fn input_size(&self) -> usize {
        self.population(self.input()).size
    }

    /// Number of output neurons.
    pub fn output_size(&self) -> usize {
        self.population(self.output()).size
    }

    /// `source->target`, the name of a projection; a number is appended when several projections
    /// connect the same two populations.
    pub fn projection_name(&self, id: ProjectionId) -> String {
        let ends = |p: &Projection| (p.source, p.target);
        let wanted = ends(self.projection(id));
        let twins_before = self.projections[..id.0]
            .iter()
            .filter(|p| ends(p) == wanted)
            .count();
        let name = format!(
            "{}->{}",
            self.population(wanted.0).name,
            self.population(wanted.1).name
        );
        if twins_before == 0 {
            name
        } else {
            format!("{name}#{}", twins_before + 1)
        }
    }

    /// Projections that end in a population, with their ids.
    pub fn incoming(
        &self,
        target: PopulationId,
    ) -> impl Iterator<Item = (ProjectionId, &Projection)> + '_ {
        self.projections
            .iter()
            .enumerate()
            .filter(move |(_, p)| p.target == target)
            .map(|(index, p)| (ProjectionId(index), p))
    }

    /// Checks everything that a solver relies on.
    ///
    /// # Errors
    /// The first thing found wrong, with names and numbers.
    pub fn validate(&self) -> Result<(), NetworkError> {
        self.validate_in::<f64>()
    }

    /// The same for a solver that computes in numbers of type `F`: what is in its range in double precision must be in it
    /// as the number that it becomes.
    ///
    /// # Errors
    /// Those of [`Self::validate`], and [`NetworkError::Precision`].
    pub fn validate_in<F: Real>(&self) -> Result<(), NetworkError> {
        self.validate_shape()?;
        for (index, population) in self.populations.iter().enumerate() {
            population.validate_in::<F>()?;
            if self.populations[..index]
                .iter()
                .any(|other| other.name == population.name)
            {
                return Err(NetworkError::DuplicateName {
                    name: population.name.clone(),
                });
            }
        }
        for index in 0..self.projections.len() {
            self.validate_projection(ProjectionId(index))?;
        }
        Ok(())
    }

    /// What a solver in steps of the clock cannot do: refractory times that are no whole number of steps.
    pub(crate) fn validate_on_grid(&self) -> Result<(), NetworkError> {
        let mut populations = self.populations.iter();
        populations.try_for_each(|population| population.check_refractory_steps(self.clock))
    }

    /// True if a built-in population has a refractory time.
    pub(crate) fn is_refractory(&self) -> bool {
        let mut populations = self.populations.iter();
        populations.any(|population| population.refractory().is_some())
    }

    fn validate_shape(&self) -> Result<(), NetworkError> {
        let inputs = self.populations.iter().filter(|p| p.is_input()).count();
        if inputs != 1 {
            return Err(NetworkError::Inputs { found: inputs });
        }
        // There is an input, hence an output.
        if self.population(self.output()).is_input() {
            return Err(NetworkError::NoOutput);
        }
        Ok(())
    }

    fn validate_port(&self, id: ProjectionId, name: &str) -> Result<(), NetworkError> {
        let Some(port) = self.port(id).filter(|_| self.port_place(id).is_none()) else {
            return Ok(());
        };
        let known = match &self.population(self.projection(id).target).model {
            Model::Equations(equations) => equations.model().ports().collect::<Vec<_>>().join(", "),
            Model::Input | Model::Lif(_) | Model::Alif(_) | Model::Li(_) => String::new(),
        };
        Err(NetworkError::Port {
            name: name.to_owned(),
            port: port.to_owned(),
            known,
        })
    }

    fn validate_projection(&self, id: ProjectionId) -> Result<(), NetworkError> {
        let projection = self.projection(id);
        let known = self.populations.len();
        for end in [projection.source, projection.target] {
            if end.0 >= known {
                return Err(NetworkError::UnknownPopulation {
                    index: end.0,
                    known,
                });
            }
        }
        let name = self.projection_name(id);
        if !self.population(projection.source).spikes() {
            return Err(NetworkError::SilentSource { name });
        }
        if self.population(projection.target).is_input() {
            return Err(NetworkError::IntoInput { name });
        }
        self.validate_port(id, &name)?;
        match self.wired(id) {
            Ok(synapses) => projection.validate(&name, &synapses, self.clock),
            Err(wiring) => {
                let wiring = Box::new(wiring);
                Err(NetworkError::Wiring { name, wiring })
            }
        }
    }
}
