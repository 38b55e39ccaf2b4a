//! Draws the figures that `cargo xtask bench` stored: `gatewire-plots LATEST_JSON FOLDER` writes one
//! SVG and one PNG for each workload into the folder.
//!
//! A figure is a grid of panels: one line for each row of the workload, one column for each of two
//! quantities. A panel has a bar for each system, a whisker from the least to the most of the rounds,
//! and a dashed line at the raw limit. Text is drawn as outlines, so that a figure looks the same
//! wherever it is shown.

mod axis;
mod figure;
mod font;
mod metric;
mod png;
mod row;
mod scene;
mod svg;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use font::Fonts;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [latest, folder] = &arguments[..] else {
        eprintln!("usage: gatewire-plots LATEST_JSON FOLDER");
        return ExitCode::FAILURE;
    };
    match draw(Path::new(latest), Path::new(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn draw(latest: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    let rows = row::read(&std::fs::read_to_string(latest)?)?;
    let fonts = Fonts::new()?;
    for workload in row::workloads(&rows) {
        let own: Vec<_> = rows.iter().filter(|row| row.workload == workload).collect();
        let Some(scene) = figure::figure(&workload, &own, &fonts) else { continue };
        let path = folder.join(&workload);
        std::fs::write(path.with_extension("svg"), svg::write(&scene, &fonts))?;
        std::fs::write(path.with_extension("png"), png::write(&scene, &fonts)?)?;
        println!("drawn: {}", path.with_extension("svg").display());
    }
    Ok(())
}
