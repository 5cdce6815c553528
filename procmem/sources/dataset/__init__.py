"""The dataset on disk: its folders and how rows get into them whole, Parquet, and the engine that answers SQL."""
