CREATE TABLE products (name text PRIMARY KEY, stock integer NOT NULL CHECK (stock >= 0));
CREATE TABLE orders (id bigserial PRIMARY KEY, product text NOT NULL REFERENCES products, placed_at timestamptz DEFAULT now());

INSERT INTO products VALUES ('lamp', 3), ('chair', 1);
